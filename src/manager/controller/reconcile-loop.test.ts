import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createReconcileLoop } from './reconcile-loop.ts';

test('requests of one turn are one pass, those during a pass one more, and none run at once', async () => {
  const stop = new AbortController();
  let passes = 0;
  let running = 0;
  const gates: (() => void)[] = [];
  const loop = createReconcileLoop(
    { log: silentLogger, clock: systemClock },
    async () => {
      running += 1;
      assert.equal(running, 1);
      passes += 1;
      await new Promise<void>((resolve) => gates.push(resolve));
      running -= 1;
    },
    stop.signal,
  );
  loop.request();
  loop.request();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(passes, 1);
  for (let i = 0; i < 5; i += 1) loop.request();
  const settled = loop.settled();
  gates.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  gates.shift()?.();
  await settled;
  assert.equal(passes, 2);
  stop.abort();
  loop.request();
  await loop.settled();
  assert.equal(passes, 2);
});

test('a pass that fails is tried again', async () => {
  const stop = new AbortController();
  const later: (() => void)[] = [];
  let passes = 0;
  const loop = createReconcileLoop(
    {
      log: silentLogger,
      clock: {
        after(_ms, run) {
          later.push(run);
          return { [Symbol.dispose]: () => {} };
        },
      },
    },
    async () => {
      passes += 1;
      if (passes === 1) throw new Error('once');
    },
    stop.signal,
  );
  loop.request();
  await loop.settled();
  later.shift()?.();
  await loop.settled();
  assert.equal(passes, 2);
});
