import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base/log.ts';
import { keepConnections, leastBusy, renewEveryMs } from './connection-set.ts';
import type { ConnectionSet, ConnectionSetState, Member } from './connection-set.ts';
import { TunnelError } from './errors.ts';
import { manualClock, settle } from './manual-clock.fixture.ts';
import type { ManualClock } from './manual-clock.fixture.ts';
import type { SessionEnd } from './session-life.ts';

const signal = AbortSignal.timeout(60_000);

interface FakeSession extends Member {
  readonly ended: boolean;
  readonly name: number;
  lose(): void;
  /** The other side said GOAWAY; flows are still open. */
  retire(): void;
  askForRenewal(): void;
  readonly closing: boolean;
}

function fakeSession(name: number, lingering: boolean): FakeSession {
  const closed = Promise.withResolvers<SessionEnd>();
  const retired = Promise.withResolvers<void>();
  const renewalAsked = Promise.withResolvers<void>();
  let isOpen = true;
  let closing = false;
  let ended = false;
  const end = (how: SessionEnd): void => {
    isOpen = false;
    ended = true;
    retired.resolve();
    closed.resolve(how);
  };
  const lost = (message: string): SessionEnd => ({
    kind: 'lost',
    error: new TunnelError('Lost', message),
  });
  return {
    name,
    get isOpen() {
      return isOpen;
    },
    get ended() {
      return ended;
    },
    get closing() {
      return closing;
    },
    closed: closed.promise,
    renewalAsked: renewalAsked.promise,
    askForRenewal: () => renewalAsked.resolve(),
    retired: retired.promise,
    async close() {
      closing = true;
      isOpen = false;
      if (!lingering) end({ kind: 'closed' });
      return closed.promise;
    },
    destroy: (reason) => end(lost(reason.message)),
    lose: () => end(lost('gone')),
    retire() {
      isOpen = false;
      retired.resolve();
    },
  };
}

interface Scene {
  readonly clock: ManualClock;
  readonly dialled: FakeSession[];
  readonly states: ConnectionSetState[];
  readonly set: ConnectionSet<FakeSession>;
  /** While set, dialling fails with it. */
  failure: Error | undefined;
  attempts: number;
}

interface Extras {
  readonly renewEveryMs?: number;
  readonly isDenial?: (error: Error) => boolean;
  readonly onDenied?: (error: Error) => void;
  readonly random?: () => number;
  /** Sessions whose flows do not end. */
  readonly lingering?: boolean;
}

function scene(size: number, failure?: Error, extras: Extras = {}): Scene {
  const clock = manualClock();
  const dialled: FakeSession[] = [];
  const states: ConnectionSetState[] = [];
  const self: Omit<Scene, 'set'> = { clock, dialled, states, failure, attempts: 0 };
  const set = keepConnections(
    {
      clock,
      log: silentLogger,
      random: extras.random ?? (() => 0.5),
      ...(extras.onDenied === undefined ? {} : { onDenied: extras.onDenied }),
      async dial() {
        self.attempts += 1;
        if (self.failure !== undefined) throw self.failure;
        const session = fakeSession(dialled.length, extras.lingering === true);
        dialled.push(session);
        return session;
      },
      onChange: (state) => states.push(state),
    },
    { size, firstMs: 100, lastMs: 1000, ...extras },
  );
  return Object.assign(self, { set });
}

const names = (set: ConnectionSet<FakeSession>): number[] => set.members.map(({ name }) => name);

test('opens as many as wanted, and says so', async () => {
  const { set, states } = scene(3);
  await using _set = set;
  assert.equal((await set.ready(signal)).name, 0);
  await settle();
  assert.deepEqual(names(set), [0, 1, 2]);
  assert.deepEqual(states.at(-1), { open: 3, wanted: 3, trouble: undefined });
});

test('replaces a lost session at once', async () => {
  const { set, dialled, clock } = scene(2);
  await using _set = set;
  await clock.pass(5000);
  dialled[0]?.lose();
  await settle();
  assert.deepEqual(names(set), [1, 2]);
});

test('waits longer and longer while dialling fails, and says why', async () => {
  const failure = new Error('no manager');
  const it = scene(1, failure);
  await using _set = it.set;
  await settle();
  assert.equal(it.attempts, 1);
  assert.equal(it.set.state.trouble, failure);
  await it.clock.pass(99);
  assert.equal(it.attempts, 1);
  await it.clock.pass(1);
  assert.equal(it.attempts, 2);
  await it.clock.pass(200);
  assert.equal(it.attempts, 3);
  await it.clock.pass(10_000);
  const later = it.attempts;
  assert.ok(later >= 12 && later <= 14, String(later));
  const ready = it.set.ready(signal);
  it.failure = undefined;
  await it.clock.pass(1000);
  assert.equal((await ready).name, 0);
  assert.equal(it.set.state.trouble, undefined);
});

test('a session that dies as soon as it is there is not dialled in a loop', async () => {
  const it = scene(1);
  await using _set = it.set;
  for (let turn = 0; turn < 50; turn += 1) {
    it.dialled.at(-1)?.lose();
    await settle();
  }
  assert.ok(it.attempts <= 2, String(it.attempts));
});

test('a session on its way out is replaced before its flows have ended', async () => {
  const { set, dialled, clock } = scene(1);
  await using _set = set;
  await clock.pass(1000);
  dialled[0]?.retire();
  await settle();
  assert.deepEqual(names(set), [1]);
});

test('renewing opens the new connection first, then closes the old one', async () => {
  const it = scene(1);
  await using _set = it.set;
  await it.clock.pass(1000);
  it.failure = new Error('not now');
  it.set.renew();
  await settle();
  assert.deepEqual(names(it.set), [0]);
  it.failure = undefined;
  await it.clock.pass(1000);
  assert.deepEqual(names(it.set), [1]);
  assert.ok(it.dialled[0]?.closing);
});

test('each session is renewed after an hour or so, not all at once', async () => {
  let turn = 0;
  const it = scene(3, undefined, { renewEveryMs, random: () => (turn += 0.2) % 1 });
  await using _set = it.set;
  await it.clock.pass(0.9 * renewEveryMs);
  assert.deepEqual(names(it.set), [0, 1, 2]);
  await it.clock.pass(0.08 * renewEveryMs);
  assert.equal(it.set.members.length, 3);
  assert.ok(it.dialled.length > 3 && it.dialled.length < 6, String(it.dialled.length));
  await it.clock.pass(0.12 * renewEveryMs);
  assert.deepEqual(
    it.dialled.slice(0, 3).map(({ closing }) => closing),
    [true, true, true],
  );
  assert.equal(it.set.members.length, 3);
});

test('a renewal that fails leaves the old session, one that is denied for long ends all', async () => {
  const denied = new Error('forbidden');
  const said: Error[] = [];
  const it = scene(2, undefined, {
    renewEveryMs,
    isDenial: (error) => error === denied,
    onDenied: (error) => said.push(error),
  });
  await using _set = it.set;
  await settle();
  it.failure = new Error('unreachable');
  await it.clock.pass(1.1 * renewEveryMs);
  assert.deepEqual(names(it.set), [0, 1]);
  it.failure = denied;
  // An API server that has just started may say so for a moment.
  await it.clock.pass(9000);
  it.failure = new Error('unreachable');
  await it.clock.pass(9000);
  it.failure = denied;
  await it.clock.pass(9000);
  assert.deepEqual(names(it.set), [0, 1]);
  assert.deepEqual(said, []);
  await it.clock.pass(3000);
  assert.deepEqual(names(it.set), []);
  assert.equal(said[0], denied);
  assert.equal(it.set.state.trouble, denied);
});

test('a denial ends renewed sessions too, whose flows were going on', async () => {
  const denied = new Error('forbidden');
  const it = scene(1, undefined, { renewEveryMs, isDenial: () => true, lingering: true });
  await using _set = it.set;
  await it.clock.pass(1.2 * renewEveryMs);
  assert.equal(it.dialled.length, 2);
  assert.equal(it.dialled[0]?.ended, false);
  it.failure = denied;
  await it.clock.pass(0.8 * renewEveryMs);
  await it.clock.pass(60_000);
  assert.deepEqual(
    it.dialled.map(({ ended }) => ended),
    [true, true],
  );
});

test('flows of a renewed session have a day', async () => {
  const it = scene(1, undefined, { renewEveryMs, lingering: true });
  await using _set = it.set;
  await it.clock.pass(1.2 * renewEveryMs);
  await it.clock.pass(23 * renewEveryMs);
  assert.equal(it.dialled[0]?.ended, false);
  await it.clock.pass(2 * renewEveryMs);
  assert.equal(it.dialled[0]?.ended, true);
});

test('an end that asks for a renewal gets it, and serves until then', async () => {
  const it = scene(2);
  await using _set = it.set;
  await it.clock.pass(1000);
  it.failure = new Error('not now');
  it.dialled[0]?.askForRenewal();
  await settle();
  assert.deepEqual(names(it.set), [0, 1]);
  it.failure = undefined;
  await it.clock.pass(1000);
  assert.deepEqual(names(it.set), [1, 2]);
  assert.deepEqual(
    it.dialled.map(({ closing }) => closing),
    [true, false, false],
  );
});

test('close lets sessions end and dials no more', async () => {
  const { set, dialled, clock } = scene(2);
  await settle();
  await set.close();
  assert.ok(dialled.every(({ closing }) => closing));
  await clock.pass(60_000);
  assert.equal(dialled.length, 2);
});

test('destroy drops sessions, also one that is dialled in that moment', async () => {
  const late = Promise.withResolvers<FakeSession>();
  const set = keepConnections(
    { clock: manualClock(), log: silentLogger, random: Math.random, dial: () => late.promise },
    { size: 1 },
  );
  set.destroy(new Error('over'));
  const session = fakeSession(0, false);
  late.resolve(session);
  await set[Symbol.asyncDispose]();
  assert.equal(session.isOpen, false);
  assert.equal((await session.closed).kind, 'lost');
});

test('waiting for a session ends with its signal', async () => {
  const { set } = scene(1, new Error('never'));
  await using _set = set;
  const abort = new AbortController();
  const ready = assert.rejects(set.ready(abort.signal), { message: 'enough' });
  abort.abort(new Error('enough'));
  await ready;
});

test('a new flow takes the session with the fewest unsent bytes, then the fewest flows', () => {
  const busy = { unsentBytes: 9000, openFlows: 1 };
  const many = { unsentBytes: 10, openFlows: 7 };
  const few = { unsentBytes: 10, openFlows: 2 };
  assert.equal(leastBusy([busy, many, few]), few);
  assert.equal(leastBusy([few, many]), few);
  assert.equal(leastBusy([]), undefined);
});
