import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { mock, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setImmediate as turn } from 'node:timers/promises';
import { openLibc } from './libc.ts';

const one = Buffer.from(new BigUint64Array([1n]).buffer);

test('what poll was given is not collected while it waits', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const libc = openLibc();
  const [ready, silent] = [libc.eventfd(), libc.eventfd()];
  writeSync(ready, one);
  // Only optimized code forgets what it does not use any more: without the care that is tested here,
  // this loop alone ends the process by a segmentation fault.
  for (let count = 0; count < 20_000; count += 1) await libc.untilReadable([ready, silent], 1000);

  const collected: number[] = [];
  const registry = new FinalizationRegistry((size: number) => collected.push(size));
  const alloc = mock.method(Buffer, 'alloc', (size: number): Buffer => {
    const made = Buffer.from(new ArrayBuffer(size));
    registry.register(made, size);
    return made;
  });
  const waiting = libc.untilReadable([silent, silent], 30_000);
  assert.equal(alloc.mock.callCount(), 1);
  alloc.mock.restore();
  for (let round = 0; round < 10; round += 1) {
    collect();
    await turn();
  }
  assert.deepEqual(collected, []);
  writeSync(silent, one);
  await waiting;
  closeSync(ready);
  closeSync(silent);
});
