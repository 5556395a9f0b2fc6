import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { systemClock } from '#base/clock.ts';
import { socketPair } from '#tunnel/session.fixture.ts';

import { createJoined, type Arrival, type Joined, type Side } from './joined.ts';

/** One joined connection: what the client and the server of it hold. */
async function joint(joined: Joined, port: number, side: Side, arrival?: Arrival) {
  const stack = new AsyncDisposableStack();
  const client = stack.use(await socketPair());
  const server = stack.use(await socketPair());
  using arrived = arrival ?? joined.arrive(port);
  arrived.join({ client: client.far, server: server.far }, side);
  await answered({ client: client.near, server: server.near });
  server.near.resume();
  client.near.resume();
  return {
    client: client.near,
    server: server.near,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The client has asked, and was answered. */
async function answered(ends: {
  readonly client: net.Socket;
  readonly server: net.Socket;
}): Promise<void> {
  ends.client.write('question');
  await once(ends.server, 'data');
  ends.server.write('answer');
  await once(ends.client, 'data');
}

const laptop = { interceptUid: 'intercept-1' };

test('what is idle at a switch is reset, what is with the new side stays', async () => {
  const joined = createJoined({ clock: systemClock });
  await using idle = await joint(joined, 80, laptop);
  await using other = await joint(joined, 81, laptop);
  await using same = await joint(joined, 80, 'app');
  const started = performance.now();
  const resets = Promise.all([once(idle.client, 'error'), once(idle.server, 'error')]);
  joined.moved(80, 'app');
  const [[error]] = await resets;
  assert.equal(error.code, 'ECONNRESET');
  const ms = performance.now() - started;
  assert.ok(ms > 180 && ms < 400, `${ms} ms`);
  // The two ends' own sides close a few turns later.
  for (let turns = 0; joined.size > 2 && turns < 100; turns += 1) await nextTurn();
  assert.equal(joined.size, 2);
  assert.equal(other.client.closed, false);
  assert.equal(same.client.closed, false);
});

test('what is busy stays until it is idle, at most 5 s', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const joined = createJoined({ clock: { ...systemClock, monotonic: () => now } });
  await using busy = await joint(joined, 80, laptop);
  const reset = once(busy.server, 'error');
  joined.moved(80, { interceptUid: 'intercept-2' });
  while (now < 4900) {
    busy.client.write('x');
    await once(busy.server, 'data');
    now += 50;
    t.mock.timers.tick(50);
    assert.equal(joined.size, 1);
  }
  now += 150;
  t.mock.timers.tick(150);
  await reset;
});

test('what waits for an answer at a switch is not idle until it has it', async () => {
  const joined = createJoined({ clock: systemClock });
  await using waiting = await joint(joined, 80, laptop);
  waiting.client.write('question');
  await once(waiting.server, 'data');
  joined.moved(80, 'app');
  await systemClock.sleep(500, AbortSignal.timeout(60_000));
  assert.equal(joined.size, 1);
  const reset = once(waiting.client, 'error');
  const heard = once(waiting.client, 'data');
  waiting.server.write('answer');
  assert.equal(String((await heard)[0]), 'answer');
  const started = performance.now();
  await reset;
  assert.ok(performance.now() - started < 3000, 'before the 5 s');
});

test('an agent that was not run for a while reads what came before it calls anything idle', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const joined = createJoined({ clock: { ...systemClock, monotonic: () => now } });
  await using late = await joint(joined, 80, laptop);
  joined.moved(80, 'app');
  const asked = once(late.server, 'data');
  now += 1000;
  t.mock.timers.tick(50);
  late.client.write('question');
  assert.equal(String((await asked)[0]), 'question');
  late.server.write('answer');
  await once(late.client, 'data');
  const reset = once(late.client, 'error');
  for (let tick = 0; tick < 5; tick += 1) {
    assert.equal(joined.size, 1);
    now += 50;
    t.mock.timers.tick(50);
  }
  await reset;
});

test('finishing resets what does not end by itself, and waits for all', async () => {
  const joined = createJoined({ clock: systemClock });
  await joined.finish();
  await using one = await joint(joined, 80, laptop);
  await using two = await joint(joined, 81, 'app');
  const gone = Promise.all([once(one.client, 'error'), once(two.client, 'error')]);
  await joined.finish();
  await gone;
  assert.equal(joined.size, 0);
});

test('one that is settled only after the switch was open at it: it ends as the others', async () => {
  const joined = createJoined({ clock: systemClock });
  // A laptop that is slow to take it; an app that is.
  const arrivals = [joined.arrive(80), joined.arrive(81)] as const;
  joined.moved(80, 'app');
  joined.moved(81, laptop);
  await using toLaptop = await joint(joined, 80, laptop, arrivals[0]);
  await using toApp = await joint(joined, 81, 'app', arrivals[1]);
  // Nobody took it, so the app has it, as it should.
  await using fallenBack = await joint(joined, 80, 'app');
  await using unanswered = await joint(joined, 81, 'app');
  await Promise.all([once(toLaptop.client, 'error'), once(toApp.client, 'error')]);
  assert.equal(fallenBack.client.closed, false);
  assert.equal(unanswered.client.closed, false);
});

test('the end waits for those that are not settled yet', async () => {
  const joined = createJoined({ clock: systemClock });
  const arrival = joined.arrive(80);
  let finished = false;
  const end = joined.finish().then(() => {
    finished = true;
  });
  await using late = await joint(joined, 80, 'app', arrival);
  assert.equal(finished, false);
  await once(late.client, 'error');
  await end;
  assert.equal(joined.size, 0);
});
