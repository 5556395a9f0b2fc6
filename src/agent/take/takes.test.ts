import assert from 'node:assert/strict';
import { test } from 'node:test';

import { silentLogger } from '#base/log.ts';

import { createTakes, type Takes, type WantedTake } from './takes.ts';

interface Fixture {
  readonly takes: Takes;
  readonly calls: string[];
  /** Whose copies were not to end. */
  readonly retained: string[];
}

/** Takes over switches that note what they are asked; ports above 10000 cannot be switched. */
function fixture(slow?: Promise<void>): Fixture {
  const calls: string[] = [];
  const retained: string[] = [];
  const takes = createTakes({
    log: silentLogger,
    protocol: 'TCP',
    ports: {
      async on(port) {
        calls.push(`on ${port}`);
        await slow;
        return port < 10_000;
      },
      async off(port) {
        calls.push(`off ${port}`);
      },
      whyNot: (port) => `port ${port} cannot be switched`,
    },
    taps: {
      ports: {
        async tap(port) {
          calls.push(`tap ${port}`);
          await slow;
          return port < 10_000;
        },
        async untap(port) {
          calls.push(`untap ${port}`);
        },
        whyNotTapped: (port) => `port ${port} cannot be tapped`,
      },
      copies: { retain: (uids) => void retained.push([...uids].join()) },
    },
    joined: {
      moved: (port, side) =>
        calls.push(`moved ${port} ${side === 'app' ? 'app' : side.interceptUid}`),
    },
  });
  return { takes, calls, retained };
}

function take(interceptUid: string, containerPort: number, protocol = 'TCP'): WantedTake {
  return { interceptUid, containerPort, protocol };
}

test('a port is taken once, given to another, and given back', async () => {
  const { takes, calls } = fixture();
  await takes.setReachable(true);
  assert.deepEqual(await takes.apply([take('a', 80)]), [
    { interceptUid: 'a', active: true, message: '' },
  ]);
  await takes.apply([take('a', 80)]);
  assert.equal(takes.takerOf(80), 'a');
  await takes.apply([take('b', 80)]);
  assert.equal(takes.takerOf(80), 'b');
  await takes.apply([]);
  assert.equal(takes.takerOf(80), undefined);
  assert.equal(takes.any, false);
  assert.deepEqual(calls, ['on 80', 'moved 80 a', 'moved 80 b', 'off 80', 'moved 80 app']);
});

test('what cannot be taken says why', async () => {
  const { takes } = fixture();
  await takes.setReachable(true);
  const outcomes = await takes.apply([take('a', 80), take('b', 80), take('d', 20_000)]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.message),
    ['', 'port 80 is taken by another intercept', 'port 20000 cannot be switched'],
  );
});

test('without a way to the laptop nothing is taken, and everything is taken again with one', async () => {
  const { takes, calls } = fixture();
  const [waiting] = await takes.apply([take('a', 80)]);
  assert.equal(waiting?.active, false);
  const [active] = await takes.setReachable(true);
  assert.equal(active?.active, true);
  const lost = takes.setReachable(false);
  assert.equal(takes.takerOf(80), undefined, 'at once');
  await lost;
  assert.deepEqual(calls, ['on 80', 'moved 80 a', 'off 80', 'moved 80 app']);
});

test('a port that is given back while it is being switched stays given back', async () => {
  const slow = Promise.withResolvers<void>();
  const { takes, calls } = fixture(slow.promise);
  await takes.setReachable(true);
  const first = takes.apply([take('a', 80), take('b', 81)]);
  await Promise.resolve();
  const second = takes.apply([]);
  slow.resolve();
  await first;
  assert.deepEqual(await second, []);
  assert.equal(takes.any, false);
  assert.ok(!calls.includes('on 81'), 'what is not wanted any more is not switched on');
});

test('what was disposed of takes nothing any more', async () => {
  const { takes, calls } = fixture();
  await takes.setReachable(true);
  await takes.apply([take('a', 80)]);
  await takes[Symbol.asyncDispose]();
  assert.deepEqual(await takes.apply([take('a', 80)]), []);
  assert.deepEqual(calls, ['on 80', 'moved 80 a', 'off 80', 'moved 80 app']);
});

test('a wiretap takes nothing: beside an intercept, without one, several of one port', async () => {
  const { takes, calls, retained } = fixture();
  await takes.setReachable(true);
  const tap = (uid: string): WantedTake => ({ ...take(uid, 80), mode: 'wiretap' });
  const [one] = await takes.apply([tap('t1')]);
  assert.deepEqual(one, { interceptUid: 't1', active: true, message: '' });
  assert.equal(takes.takerOf(80), undefined);
  assert.deepEqual(takes.tapsOf(80), ['t1']);
  assert.ok(takes.any);
  const outcomes = await takes.apply([tap('t1'), take('a', 80), tap('t2')]);
  assert.ok(outcomes.every(({ active }) => active));
  assert.equal(takes.takerOf(80), 'a');
  assert.deepEqual(takes.tapsOf(80), ['t1', 't2']);
  await takes.apply([tap('t2')]);
  assert.equal(takes.takerOf(80), undefined);
  assert.deepEqual(takes.tapsOf(80), ['t2']);
  assert.equal(retained.at(-1), 't2');
  await takes.apply([]);
  assert.equal(takes.any, false);
  assert.equal(retained.at(-1), '');
  assert.deepEqual(calls, ['tap 80', 'on 80', 'moved 80 a', 'off 80', 'moved 80 app', 'untap 80']);
});

test('a wiretap that cannot be says why, and an ingest needs nothing but to be known', async () => {
  const { takes } = fixture();
  const wanted: WantedTake[] = [
    { ...take('t', 20_000), mode: 'wiretap' },
    { ...take('i', 0), mode: 'ingest' },
  ];
  const waiting = await takes.apply(wanted);
  assert.deepEqual(
    waiting.map(({ active }) => active),
    [false, true],
  );
  assert.ok(takes.wants('i'));
  const outcomes = await takes.setReachable(true);
  assert.deepEqual(
    outcomes.map(({ message }) => message),
    ['port 20000 cannot be tapped', ''],
  );
  assert.equal(takes.any, false);
});

test('a wiretap that ends while its port is being switched leaves nothing switched', async () => {
  const slow = Promise.withResolvers<void>();
  const { takes, calls } = fixture(slow.promise);
  await takes.setReachable(true);
  const first = takes.apply([{ ...take('t', 80), mode: 'wiretap' }]);
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  const second = takes.apply([]);
  slow.resolve();
  await Promise.all([first, second]);
  assert.equal(takes.any, false);
  assert.deepEqual(takes.tapsOf(80), []);
  assert.notEqual(calls.at(-1), 'tap 80');
});
