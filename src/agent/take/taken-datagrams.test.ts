import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';

import { systemClock, type Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { sourceHeader, takenPortHeader } from '#protocol/flow-headers.ts';
import { carryDatagrams, type Datagrams } from '#tunnel/datagrams.ts';
import { sessionPair } from '#tunnel/session.fixture.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';

import type { DatagramClient } from './datagram-port.ts';
import { createTakenDatagrams, type Bounds } from './taken-datagrams.ts';

const uid = 'cccccccc-0000-4000-8000-000000000001';
const within = { signal: AbortSignal.timeout(20_000) };

/** An app on loopback that answers `app:` and what it was told. */
async function udpApp(): Promise<Socket> {
  const socket = createSocket('udp4', (message, from) => {
    socket.send(`app:${String(message)}`, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** A laptop whose handler answers `laptop:` and what it was told. */
function answering(flow: IncomingFlow): void {
  const datagrams: Datagrams = carryDatagrams(flow.accept().stream, {
    onDatagram: (payload) => datagrams.send(Buffer.from(`laptop:${String(payload)}`)),
  });
}

/** An agent's datagrams, whose laptop does as `onFlow` says. */
async function fixture(
  onFlow: (flow: IncomingFlow) => void,
  options: {
    readonly clock?: Clock;
    readonly bounds?: Bounds;
    readonly standsThere?: boolean;
  } = {},
) {
  await using stack = new AsyncDisposableStack();
  const app = await udpApp();
  const { port } = app.address();
  const came: IncomingFlow[] = [];
  const laptop = { onFlow };
  const pair = stack.use(
    await sessionPair({
      onFlow(flow) {
        came.push(flow);
        laptop.onFlow(flow);
      },
    }),
  );
  const doubts = new Set<string>();
  const state: { taker: string | undefined; reachable: boolean } = { taker: uid, reachable: true };
  const datagrams = createTakenDatagrams({
    log: silentLogger,
    clock: options.clock ?? systemClock,
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    doubts,
    podIps: ['127.0.0.1'],
    takes: { takerOf: () => state.taker },
    standsAt: () => options.standsThere === true,
    inbound: () => (state.reachable ? [{ session: pair.client, rttMs: 1 }] : []),
  });
  const running = stack.move();
  return {
    came,
    doubts,
    datagrams,
    state,
    laptop,
    port,
    /** A client that asks by a socket of its own; its answers in their order. */
    client(number: number) {
      const answers: string[] = [];
      const news = new EventTarget();
      const from: DatagramClient = {
        address: '10.0.0.9',
        port: number,
        answer(payload) {
          answers.push(String(payload));
          news.dispatchEvent(new Event('answer'));
        },
      };
      return {
        answers,
        say: (text: string) => datagrams.take(port, Buffer.from(text), from),
        async hears(count: number) {
          while (answers.length < count) await once(news, 'answer', within);
          return answers;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await running.disposeAsync();
      await datagrams.finish();
      app.close();
    },
  };
}

test('each client has a flow of its own, and hears its own answers', async () => {
  await using it = await fixture(answering);
  const [one, other] = [it.client(1), it.client(2)];
  one.say('a');
  other.say('b');
  one.say('c');
  assert.deepEqual(await one.hears(2), ['laptop:a', 'laptop:c']);
  assert.deepEqual(await other.hears(1), ['laptop:b']);
  assert.equal(it.came.length, 2);
  const [first] = it.came;
  assert.equal(first?.kind, 'udp');
  assert.equal(first.authority, uid);
  assert.equal(first.headers[sourceHeader], '10.0.0.9:1');
  assert.equal(first.headers[takenPortHeader], String(it.port));
});

test('where the agent stands in the app’s place, what nobody takes is lost and not passed on to itself', async () => {
  await using it = await fixture((flow) => flow.refuse('Unavailable'), { standsThere: true });
  const client = it.client(1);
  client.say('a');
  while (it.came.length < 1) await new Promise((resolve) => setImmediate(resolve));
  it.state.taker = undefined;
  it.client(2).say('b');
  const app = createSocket('udp4');
  app.send('over', it.port, '127.0.0.1');
  const [over] = await once(app, 'message', within);
  assert.equal(String(over), 'app:over', 'the app itself is there');
  assert.deepEqual(client.answers, []);
  app.close();
});

test('what nobody takes is the app’s', async () => {
  await using it = await fixture(answering);
  it.state.taker = undefined;
  const client = it.client(1);
  client.say('a');
  assert.deepEqual(await client.hears(1), ['app:a']);
  assert.equal(it.came.length, 0);
});

test('no way to the laptop: the app gets what nobody has had', async () => {
  await using it = await fixture(answering);
  it.state.reachable = false;
  const client = it.client(1);
  client.say('a');
  client.say('b');
  assert.deepEqual((await client.hears(2)).toSorted(), ['app:a', 'app:b']);
});

test('a manager without the laptop: the same', async () => {
  await using it = await fixture((flow) => flow.refuse('Unavailable'));
  const client = it.client(1);
  client.say('a');
  assert.deepEqual(await client.hears(1), ['app:a']);
});

test('a handler that cannot be reached is believed: nobody answers', async () => {
  await using it = await fixture((flow) => flow.refuse('Unreachable'));
  const client = it.client(1);
  client.say('a');
  while (it.came[0]?.signal.aborted !== true && it.came.length === 0) {
    await new Promise(setImmediate);
  }
  await systemClock.sleep(50, within.signal);
  client.say('b');
  await systemClock.sleep(100, within.signal);
  assert.deepEqual(client.answers, []);
  assert.equal(it.came.length, 1, 'it is not asked again for each datagram');
});

test('a silent laptop: what it may have had is its own, the rest is the app’s, until it answers again', async () => {
  await using it = await fixture(() => {});
  const client = it.client(1);
  client.say('late');
  while (!it.doubts.has(uid)) await systemClock.sleep(10, within.signal);
  client.say('b');
  assert.deepEqual(await client.hears(1), ['app:b']);
  // In doubt nothing is on its way before the laptop has answered: nothing is lost.
  const second = it.client(2);
  second.say('kept');
  assert.deepEqual(await second.hears(1), ['app:kept']);
  it.laptop.onFlow = answering;
  const third = it.client(3);
  third.say('c');
  assert.deepEqual(await third.hears(1), ['laptop:c']);
  assert.equal(it.doubts.size, 0);
  client.say('d');
  assert.deepEqual(await client.hears(2), ['app:b', 'laptop:d'], 'at once, not a second later');
  const [first] = it.came;
  assert.ok(first !== undefined);
  answering(first);
  assert.deepEqual(await client.hears(3), ['app:b', 'laptop:d', 'laptop:late']);
});

test('a client of the app follows a switch at once, and who had asked is still answered', async () => {
  const late = Promise.withResolvers<void>();
  await using it = await fixture((flow) => {
    const datagrams: Datagrams = carryDatagrams(flow.accept().stream, {
      onDatagram(payload) {
        void late.promise.then(() => datagrams.send(Buffer.from(`laptop:${String(payload)}`)));
      },
    });
  });
  const client = it.client(1);
  client.say('asked');
  while (it.came.length === 0) await systemClock.sleep(5, within.signal);
  it.state.taker = undefined;
  it.datagrams.moved(it.port, 'app');
  client.say('after');
  assert.deepEqual(await client.hears(1), ['app:after']);
  late.resolve();
  assert.deepEqual(await client.hears(2), ['app:after', 'laptop:asked']);
  it.state.taker = uid;
  it.datagrams.moved(it.port, { interceptUid: uid });
  client.say('again');
  assert.deepEqual((await client.hears(3)).at(-1), 'laptop:again');
});

test('a flow that the laptop has lost begins anew with the next datagram', async () => {
  await using it = await fixture(answering);
  const client = it.client(1);
  client.say('a');
  await client.hears(1);
  const size = it.datagrams.size;
  it.came[0]?.stream.destroy();
  while (it.datagrams.size === size) await systemClock.sleep(5, within.signal);
  client.say('b');
  assert.deepEqual(await client.hears(2), ['laptop:a', 'laptop:b']);
});

test('a flood: flows are bounded, and one that is used lives on', async () => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const bounds = { flows: 40, newEachSecond: 20 };
  await using it = await fixture(answering, { clock, bounds });
  const client = it.client(1);
  client.say('before');
  await client.hears(1);
  // As many at once as otherwise in a second.
  for (let number = 2; number < 100; number += 1) it.client(number).say('x');
  assert.equal(it.datagrams.size, 20);
  for (let second = 1; second <= 5; second += 1) {
    now = second * 1000;
    for (let number = 0; number < 90; number += 1) {
      if (number % 30 === 0) client.say(`still ${String(second)}`);
      it.client(second * 1000 + number).say('x');
    }
    assert.ok(it.datagrams.size <= 40, String(it.datagrams.size));
    assert.equal((await client.hears(1 + 3 * second)).length, 1 + 3 * second, 'its own all come');
  }
  assert.equal(it.came.length, 120, 'no laptop hears of the others');
});

test('idle flows end: soon where nobody has answered, later where somebody has', async () => {
  let now = 0;
  const sweeps: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    every(_ms, run) {
      sweeps.push(run);
      return { [Symbol.dispose]: () => void sweeps.splice(sweeps.indexOf(run), 1) };
    },
  };
  await using it = await fixture(
    (flow) => {
      if (flow.headers[sourceHeader] === '10.0.0.9:1') answering(flow);
      else flow.accept();
    },
    { clock },
  );
  const client = it.client(1);
  client.say('a');
  await client.hears(1);
  it.client(2).say('b');
  const pass = (seconds: number): void => {
    now += seconds * 1000;
    // Each ends itself when it has nothing left.
    for (const run of sweeps.slice()) run();
  };
  pass(29);
  assert.equal(it.datagrams.size, 2);
  pass(2);
  assert.equal(it.datagrams.size, 1);
  pass(90);
  assert.equal(it.datagrams.size, 0);
  assert.equal(sweeps.length, 0, 'nothing is looked at any more');
});
