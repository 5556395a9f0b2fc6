import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a wait that is longer than a timer can hold does not end at once', async () => {
  let called = false;
  using _first = systemClock.after(2 ** 32, () => (called = true));
  using _second = systemClock.every(2 ** 31, () => (called = true));
  const giveUp = new AbortController();
  const slept = systemClock.sleep(2 ** 40, giveUp.signal).then(
    () => (called = true),
    () => false,
  );
  await systemClock.sleep(30, AbortSignal.timeout(10_000));
  giveUp.abort();
  await slept;
  assert.equal(called, false);
});
