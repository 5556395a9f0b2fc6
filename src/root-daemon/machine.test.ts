import assert from 'node:assert/strict';
import { test } from 'node:test';

import { create } from '@bufbuild/protobuf';

import type { Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createFakeRuleTable, type FakeRuleTable } from '#host/nft.fake.ts';
import { HostError } from '#host/errors.ts';
import { createFakeResolved, type FakeResolved } from '#host/resolved.fake.ts';
import { createFakeTun, type FakeTun } from '#host/tun.fake.ts';
import { subnets } from '#protocol/dial-policy.ts';
import { DesiredSchema } from '#protocol/gen/telepresence_pb.ts';

import type { MachineDeps } from './machine-parts.ts';
import { createMachine, type Machine } from './machine.ts';
import { planOf, type Plan } from './plan.ts';

/** A machine of fakes: what happened to it, and time that passes when told. */
interface Lab {
  readonly machine: Machine;
  readonly table: FakeRuleTable;
  readonly tun: FakeTun;
  readonly events: string[];
  nameservers: string[];
  readonly resolved: FakeResolved;
  /** Lets everything that repeats every `ms` happen once. */
  tick(ms: number): void;
}

function createLab(more: Partial<MachineDeps> = {}): Lab {
  const events: string[] = [];
  const repeated = new Set<{ ms: number; run: () => void }>();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async () => {},
    after: () => ({ [Symbol.dispose]() {} }),
    every(ms, run) {
      const entry = { ms, run };
      repeated.add(entry);
      return { [Symbol.dispose]: () => void repeated.delete(entry) };
    },
  };
  const table = createFakeRuleTable();
  const tun = createFakeTun();
  const resolved = createFakeResolved();
  const noted = <T>(event: string, value: T): T => {
    events.push(event);
    return value;
  };
  const lab = {
    table,
    tun,
    events,
    nameservers: ['192.0.2.53'],
    resolved,
    tick: (ms: number) => {
      for (const entry of repeated) if (entry.ms === ms) entry.run();
    },
  };
  const machine = createMachine({
    clock,
    log: silentLogger,
    openTable: async () => noted('open table', table),
    openTun: async () => noted('open tun', tun),
    startNames: async ({ nameservers }) => {
      events.push(`names by ${nameservers.join(' ')}`);
      return {
        port: 4053,
        ipv6: true,
        nameserver: nameservers[0],
        expect: () => ({ arrived: new Promise(() => {}), [Symbol.dispose]() {} }),
        listenAt: async (hosts) => new Map(hosts.map((host) => [host, 4153])),
        apply: (next) => void events.push(`names by ${next.nameservers.join(' ')}`),
        [Symbol.asyncDispose]: async () => noted('end names', undefined),
      };
    },
    resolved,
    readResolver: async () => ({
      nameservers: lab.nameservers,
      resolved: resolved.running ? { upstream: ['192.0.2.53'] } : undefined,
    }),
    readRoutes: async () => ({ routes: [], defaultGateways: ['192.0.2.1'] }),
    readKubeProxy: async () => [],
    readBridges: async () => [],
    forgetDnsFlows: async () => noted('forget flows', true),
    ...more,
  });
  return Object.assign(lab, { machine });
}

const plan = (fields: { names?: boolean; port?: number; open?: string } = {}): Plan =>
  planOf(
    create(DesiredSchema, {
      redirectPort: fields.port ?? 4000,
      subnets: ['10.96.0.0/12', '192.0.2.0/24'],
      ...(fields.open !== undefined && {
        openServices: [{ address: fields.open, port: 80 }],
      }),
      ...(fields.names !== false && {
        dns: { clusterDomain: 'cluster.local', answerSocket: '/run/names.sock' },
      }),
    }),
  );
const signal = (): AbortSignal => AbortSignal.timeout(1000);

test('a route that comes later makes a subnet virtual, and whoever holds the machine is told', async () => {
  const text = '10.100.0.0/16 dev wg0';
  const routes = subnets('10.100.0.0/16').map((subnet) => ({ subnet, text, device: 'wg0' }));
  let there = false;
  let told = 0;
  const lab = createLab({
    readRoutes: async () => ({ routes: there ? routes : [], defaultGateways: [] }),
  });
  const { machine, tun } = lab;
  await machine.apply({ ...plan(), avoidConflicts: true }, signal());
  const { changed } = machine;
  void changed.then(() => (told += 1));
  lab.tick(5000);
  await machine.apply({ ...plan(), avoidConflicts: true }, signal());
  assert.equal(told, 0);
  there = true;
  lab.tick(5000);
  await changed;
  assert.deepEqual(
    machine.state?.settled.virtual.map(({ why }) => why),
    ['the route 10.100.0.0/16 dev wg0'],
  );
  assert(tun.routes().includes('246.246.0.0/16') && !tun.routes().includes('10.96.0.0/12'));
  assert(tun.routes().includes('192.0.2.128/25'));
  // It stays so, though the route goes: programs remember the addresses.
  there = false;
  lab.tick(5000);
  await machine.apply({ ...plan({ port: 4001 }), avoidConflicts: true }, signal());
  assert.equal(machine.state?.settled.virtual.length, 1);
  await machine.release();
});

test('everything is built once, and taken back in the other order', async () => {
  const { machine, table, tun, events } = createLab();
  await machine.apply(plan(), signal());
  await machine.apply(plan(), signal());
  await machine.apply(plan({ port: 4001 }), signal());
  assert.equal(table.bodies.length, 2, 'the same plan again changes nothing');
  assert.deepEqual(machine.state?.names, { local: '127.0.0.1:4053', nameserver: '192.0.2.53' });
  // The nameserver and the gateway lie in a routed subnet, and stay where they are.
  assert(!tun.routes().includes('192.0.2.0/24'));
  assert(tun.routes().includes('192.0.2.128/25'));
  assert.match(table.bodies[0] ?? '', /spared4 .* 192\.0\.2\.53\/32, 192\.0\.2\.1\/32/);

  await machine.release();
  await machine.release();
  assert.deepEqual(events, [
    'open table',
    'open tun',
    'names by 192.0.2.53',
    'forget flows',
    'names by 192.0.2.53',
    'forget flows',
    'end names',
  ]);
  assert(table.closed() && tun.closed());
  assert.equal(machine.state, undefined);
});

test('for open services alone the machine is not looked at again', async () => {
  let looked = 0;
  const lab = createLab({
    readRoutes: async () => {
      looked += 1;
      return { routes: [], defaultGateways: [] };
    },
  });
  await lab.machine.apply(plan(), signal());
  await lab.machine.apply(plan({ open: '10.96.0.9' }), signal());
  await lab.machine.apply(plan({ open: '10.96.0.10' }), signal());
  assert.equal(looked, 1);
  assert.deepEqual(
    lab.table.changes.map(({ kind, element }) => `${kind} ${element}`),
    ['add 10.96.0.9 . 80', 'delete 10.96.0.9 . 80', 'add 10.96.0.10 . 80'],
  );
  await lab.machine.apply(plan({ open: '10.96.0.10', port: 4001 }), signal());
  assert.equal(looked, 2);
  assert.match(lab.table.bodies.at(-1) ?? '', /10\.96\.0\.10 \. 80/);
  await lab.machine.release();
});

test('names are renewed every second while they are redirected', async () => {
  const lab = createLab();
  await lab.machine.apply(plan(), signal());
  lab.tick(1000);
  lab.tick(1000);
  assert.deepEqual(
    lab.table.changes.map(({ kind, set, element }) => [kind, set, element]),
    [
      ['refresh', 'names_alive', '53'],
      ['refresh', 'names_alive', '53'],
    ],
  );
  await lab.machine.apply(plan({ names: false }), signal());
  lab.tick(1000);
  assert.equal(lab.table.changes.length, 2);
  await lab.machine.release();
});

test('other nameservers in resolv.conf are taken up', async () => {
  const lab = createLab();
  await lab.machine.apply(plan(), signal());
  lab.tick(5000);
  lab.nameservers = ['198.51.100.1', '198.51.100.2'];
  lab.tick(5000);
  // The recheck waits its turn; what comes after it has seen its end.
  await lab.machine.apply(plan(), signal());
  assert.match(lab.table.bodies.at(-1) ?? '', /nameservers4 .* 198\.51\.100\.1, 198\.51\.100\.2/);
  await lab.machine.release();
});

test('an empty plan takes everything back', async () => {
  const lab = createLab();
  await lab.machine.apply(plan(), signal());
  await lab.machine.apply(planOf(create(DesiredSchema)), signal());
  assert(lab.table.closed() && lab.tun.closed());
});

test('what cannot be built leaves nothing', async () => {
  const lab = createLab({
    openTun: async () => {
      throw new HostError('TunMissing', 'no TUN');
    },
  });
  await assert.rejects(lab.machine.apply(plan(), signal()), /no TUN/);
  assert(lab.table.closed());
  const lab2 = createLab({
    startNames: async () => {
      throw new Error('no port');
    },
  });
  await assert.rejects(lab2.machine.apply(plan(), signal()), /no port/);
  assert(lab2.table.closed() && lab2.tun.closed());
});

test('where systemd-resolved runs it is told about the link, and nothing is redirected', async () => {
  const lab = createLab();
  const { machine, table, tun, resolved } = lab;
  lab.nameservers = ['127.0.0.53'];
  resolved.running = true;
  await machine.apply(plan(), signal());
  assert.equal(resolved.links.get('tel0')?.port, 4053);
  assert(resolved.links.get('tel0')?.domains.some(({ name }) => name === 'cluster.local'));
  assert(tun.addressed());
  assert.deepEqual(machine.state?.names?.nameserver, '192.0.2.53', 'never its stub: a loop');
  assert.doesNotMatch(table.bodies.at(-1) ?? '', /th dport/);
  await machine.release();
  assert.deepEqual([...resolved.links], []);
});

test('what systemd-resolved forgot is told again; gone, names are redirected until it is back', async () => {
  const lab = createLab();
  lab.nameservers = ['127.0.0.53'];
  lab.resolved.running = true;
  await lab.machine.apply(plan(), signal());
  const told = lab.resolved.links.get('tel0');
  const settled = async (): Promise<void> => {
    lab.tick(5000);
    // In turn: it begins when the recheck has ended.
    await lab.machine.apply(plan({ open: `10.96.0.${String((last += 1))}` }), signal());
  };
  let last = 1;
  lab.resolved.links.clear();
  await settled();
  assert.deepEqual(lab.resolved.links.get('tel0'), told);

  lab.resolved.running = false;
  await settled();
  assert.match(lab.table.bodies.at(-1) ?? '', /nameservers4 .* 127\.0\.0\.53/);
  lab.resolved.links.clear();
  lab.resolved.running = true;
  await settled();
  assert.deepEqual(lab.resolved.links.get('tel0'), told);
  assert.doesNotMatch(lab.table.bodies.at(-1) ?? '', /th dport/);
  await lab.machine.release();
});

test('a systemd-resolved that refuses the link is not asked again', async () => {
  const lab = createLab();
  const { machine, table, resolved } = lab;
  lab.nameservers = ['127.0.0.53'];
  resolved.running = true;
  resolved.refuses = true;
  await machine.apply(plan(), signal());
  assert.match(table.bodies.at(-1) ?? '', /nameservers4 .* 127\.0\.0\.53/);
  resolved.refuses = false;
  await machine.apply(plan({ port: 4001 }), signal());
  assert.deepEqual([...resolved.links], []);
  await machine.release();
});
