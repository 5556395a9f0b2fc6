import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base/log.ts';
import type { BridgeNetwork } from '#docker/bridge-networks.ts';
import type { Bridge } from '#host/bridges.ts';
import { parseIp } from '#protocol/ip-address.ts';
import { followContainerBridges } from './container-bridges.ts';

const bridge = (device: string, ...addresses: readonly string[]): Bridge => ({
  device,
  addresses: addresses.flatMap((address) => parseIp(address) ?? []),
});
const network = (device: string, isApart = false): BridgeNetwork => ({
  name: device,
  device,
  isApart,
});

interface Lab {
  now: number;
  bridges: readonly Bridge[];
  networks: readonly BridgeNetwork[] | Error;
  asked: number;
  /** Why what is found cannot be told. */
  trouble: string | undefined;
  readonly told: string[][];
  change: () => void;
  ended: boolean;
  /** Lets time pass, and what becomes of it come to its end. */
  pass(ms: number): Promise<void>;
}

/** A machine and an engine that are what the test says, and time that passes when it is told. */
function lab() {
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const state: Lab = {
    now: 0,
    bridges: [],
    networks: [],
    asked: 0,
    trouble: undefined,
    told: [],
    change: () => {},
    ended: false,
    async pass(ms: number) {
      const until = state.now + ms;
      for (;;) {
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
        const [next] = [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        state.now = Math.max(state.now, next.at);
        next.run();
      }
      state.now = until;
    },
  };
  const follow = () =>
    followContainerBridges(
      {
        clock: {
          monotonic: () => state.now,
          after(ms, run) {
            const timer = { at: state.now + ms, run };
            timers.add(timer);
            return { [Symbol.dispose]: () => void timers.delete(timer) };
          },
        },
        log: silentLogger,
        followLinks(onChange) {
          state.change = onChange;
          return {
            lost: new Promise(() => {}),
            async [Symbol.asyncDispose]() {
              state.ended = true;
            },
          };
        },
        readBridges: async () => state.bridges,
        async readNetworks() {
          state.asked += 1;
          if (state.networks instanceof Error) throw state.networks;
          return state.networks;
        },
      },
      (found) => {
        if (state.trouble !== undefined) throw new Error(state.trouble);
        state.told.push(found.map(({ device }) => device));
      },
    );
  return { state, follow };
}

test('only what Docker has for users’ containers, and only changes of it', async () => {
  const { state, follow } = lab();
  state.bridges = [
    bridge('docker0', '172.17.0.1'),
    bridge('br-kind', '172.18.0.1'),
    bridge('virbr0', '192.0.2.1'),
  ];
  state.networks = [network('docker0'), network('br-kind', true)];
  await using bridges = follow();
  await state.pass(0);
  await bridges.looked;
  assert.deepEqual(state.told, [['docker0']]);
  // A container's wire comes and goes: the engine is not asked for it.
  state.change();
  await state.pass(1000);
  assert.equal(state.asked, 1);
  state.bridges = [...state.bridges, bridge('br-own', '172.19.0.1')];
  state.networks = [...state.networks, network('br-own')];
  state.change();
  await state.pass(150);
  assert.deepEqual(state.told.at(-1), ['docker0', 'br-own']);
  state.bridges = state.bridges.slice(0, 3);
  state.change();
  await state.pass(150);
  assert.deepEqual(state.told.at(-1), ['docker0']);
  assert.equal(state.told.length, 3);
});

test('an engine that lists a network later than the kernel its bridge is asked again, for a while', async () => {
  const { state, follow } = lab();
  state.networks = [];
  await using _bridges = follow();
  await state.pass(0);
  state.bridges = [bridge('br-own', '172.19.0.1')];
  state.change();
  await state.pass(1200);
  assert.deepEqual(state.told, []);
  state.networks = [network('br-own')];
  await state.pass(1200);
  assert.deepEqual(state.told, [['br-own']]);
  // Somebody else's bridge is not asked for again and again.
  state.bridges = [...state.bridges, bridge('br0', '192.0.2.1')];
  state.change();
  await state.pass(20_000);
  const { asked } = state;
  await state.pass(20_000);
  assert.equal(state.asked, asked);
});

test('an engine that is started later, or that the user may not ask', async () => {
  const { state, follow } = lab();
  state.bridges = [bridge('docker0', '172.17.0.1')];
  state.networks = new Error('permission denied');
  const bridges = follow();
  await state.pass(0);
  await bridges.looked;
  assert.deepEqual(state.told, []);
  state.networks = [network('docker0')];
  state.change();
  await state.pass(1100);
  assert.deepEqual(state.told, [['docker0']]);
  await bridges[Symbol.asyncDispose]();
  assert.ok(state.ended);
});

test('what could not be told is told later, though nothing changes', async () => {
  const { state, follow } = lab();
  state.bridges = [bridge('docker0', '172.17.0.1')];
  state.networks = [network('docker0')];
  state.trouble = 'the root daemon is busy';
  await using bridges = follow();
  await state.pass(0);
  await bridges.looked;
  await state.pass(1500);
  assert.ok(state.asked > 1);
  state.trouble = undefined;
  await state.pass(5000);
  assert.deepEqual(state.told, [['docker0']]);
  const { asked } = state;
  await state.pass(60_000);
  assert.equal(state.asked, asked);
});
