import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createFirstTold } from './first-told.ts';

/** A clock that rings when told, and whether the wait is over. */
function waiting(told: ReturnType<typeof createFirstTold>) {
  let ring: (() => void) | undefined;
  let over = false;
  const clock = {
    after(_ms: number, run: () => void): Disposable {
      ring = run;
      return { [Symbol.dispose]: () => {} };
    },
  };
  const done = told.within(clock, 2000).then(() => {
    over = true;
  });
  const isOver = async (): Promise<boolean> => {
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
    return over;
  };
  return { isOver, done, ring: () => ring?.() };
}

test('a pod with nothing to take is ready as soon as that is said', async () => {
  const told = createFirstTold();
  const wait = waiting(told);
  assert.equal(await wait.isOver(), false);
  told.look([{ epoch: 1n, takes: [], reachable: false }]);
  await wait.done;
});

test('one manager that wants nothing is not all of them', async () => {
  const told = createFirstTold();
  const wait = waiting(told);
  const one = { epoch: 1n, takes: [], reachable: true };
  told.look([one, { ...one, epoch: undefined }]);
  assert.equal(await wait.isOver(), false);
  told.look([one, one]);
  await wait.done;
});

test('one that is to be taken waits until that can be done', async () => {
  const told = createFirstTold();
  const wait = waiting(told);
  told.look([{ epoch: 1n, takes: ['one'], reachable: false }]);
  assert.equal(await wait.isOver(), false);
  told.look([{ epoch: 1n, takes: ['one'], reachable: true }]);
  await wait.done;
});

test('without a manager the wait ends', async () => {
  const wait = waiting(createFirstTold());
  assert.equal(await wait.isOver(), false);
  wait.ring();
  await wait.done;
});
