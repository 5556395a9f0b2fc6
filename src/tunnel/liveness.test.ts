import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClientSession } from './client-session.ts';
import { TunnelError } from './errors.ts';
import { answerWithinMs, watchLiveness } from './liveness.ts';
import { manualClock } from './manual-clock.fixture.ts';
import type { SessionEnd } from './session-life.ts';
import { sessionDeps, socketPair } from './session.fixture.ts';

/** A session whose pings are answered by the test. */
function fakeSession() {
  const closed = Promise.withResolvers<SessionEnd>();
  const pings: ((ms: number) => void)[] = [];
  let lost: Error | undefined;
  return {
    pings,
    bytesReceived: 0,
    get lost() {
      return lost;
    },
    closed: closed.promise,
    ping: () => new Promise<number>((resolve) => pings.push(resolve)),
    destroy(reason: Error) {
      lost = reason;
      closed.resolve({ kind: 'lost', error: new TunnelError('Lost', reason.message) });
    },
  };
}

test('asks again an interval after each answer, never two at a time', async () => {
  const clock = manualClock();
  const session = fakeSession();
  using liveness = watchLiveness({ clock }, session, { intervalMs: 2000 });
  assert.equal(session.pings.length, 1);
  assert.equal(liveness.rttMs, undefined);
  session.pings[0]?.(80);
  await clock.pass(1999);
  assert.equal(session.pings.length, 1);
  await clock.pass(1);
  assert.equal(session.pings.length, 2);
  await clock.pass(4000);
  assert.equal(session.pings.length, 2);
  session.pings[1]?.(160);
  await clock.pass(0);
  assert.equal(liveness.rttMs, 90);
  assert.equal(liveness.shortestRttMs, 80);
  assert.equal(session.lost, undefined);
});

test('destroys a session that is silent for 5 s', async () => {
  const clock = manualClock();
  const session = fakeSession();
  using _liveness = watchLiveness({ clock }, session, { intervalMs: 2000 });
  session.pings[0]?.(1);
  await clock.pass(2000);
  await clock.pass(4999);
  assert.equal(session.lost, undefined);
  await clock.pass(1);
  assert.match(String(session.lost), /no sign of life for 5000 ms/);
  await clock.pass(60_000);
  assert.equal(session.pings.length, 2);
});

test('bytes that come in are a sign of life while the answer waits behind them', async () => {
  const clock = manualClock();
  const session = fakeSession();
  using _liveness = watchLiveness({ clock }, session, { intervalMs: 2000 });
  for (let second = 0; second < 20; second += 1) {
    session.bytesReceived += 1000;
    await clock.pass(1000);
  }
  assert.equal(session.lost, undefined);
  await clock.pass(5000);
  assert.match(String(session.lost), /no sign of life/);
});

test('a shorter interval holds at once, also while waiting', async () => {
  const clock = manualClock();
  const session = fakeSession();
  using liveness = watchLiveness({ clock }, session, { intervalMs: 10_000 });
  session.pings[0]?.(1);
  await clock.pass(500);
  liveness.setInterval(2000);
  await clock.pass(2000);
  assert.equal(session.pings.length, 2);
});

test('an agent waits for the laptop as long as four round trips, 250 ms at least and 2 s at most', () => {
  assert.equal(answerWithinMs(undefined), 250);
  assert.equal(answerWithinMs(10), 250);
  assert.equal(answerWithinMs(100), 400);
  assert.equal(answerWithinMs(60_000), 2000);
});

test('a session on a dead link is gone at once, whatever it had still to send', async () => {
  // The other end's kernel takes bytes until its buffers are full; nobody answers.
  await using sockets = await socketPair();
  await using client = openClientSession(sockets.near, sessionDeps);
  const signal = AbortSignal.timeout(10_000);
  const { flow, accepted } = client.beginFlow({ authority: 'x:1', signal });
  flow.stream.write(Buffer.alloc(8 * 1024 * 1024));
  const clock = manualClock();
  using _liveness = watchLiveness({ clock }, client, { intervalMs: 2000 });
  await clock.pass(5000);
  const end = await client.closed;
  assert.ok(end.kind === 'lost');
  assert.match(end.error.message, /no sign of life/);
  await assert.rejects(accepted, { code: 'Lost' });
  assert.ok(flow.stream.destroyed);
});
