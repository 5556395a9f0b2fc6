import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from './turns.ts';

test('so many at once and no more, in their order, also after one that failed', async () => {
  const turns = createTurns(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<undefined>());
  const all = gates.map(async (gate, index) => {
    await turns.take(async () => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await gate.promise.finally(() => {
        running -= 1;
      });
    });
  });
  const settled = Promise.allSettled(all);
  for (const [index, gate] of gates.entries()) {
    await new Promise(setImmediate);
    if (index === 1) gate.reject(new Error('failed'));
    else gate.resolve(undefined);
  }
  const results = await settled;
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  assert.equal(most, 2);
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 1);
  await turns.take(async () => {});
});
