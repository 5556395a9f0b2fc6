import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { race } from './race.ts';

test('the first decides, by its value or its failure', async () => {
  const never = new Promise<string>(() => {});
  assert.equal(await race([never, Promise.resolve('a'), Promise.resolve('b')]), 'a');
  await assert.rejects(race([never, Promise.reject(new Error('failed'))]), /failed/);
  // One that has been in a race already, before and after it settled.
  const late = Promise.withResolvers<string>();
  const both = [race([never, late.promise]), race([late.promise, never])];
  late.resolve('late');
  assert.deepEqual(await Promise.all(both), ['late', 'late']);
  assert.equal(await race([never, late.promise]), 'late');
});

test('a loser that fails later is nobody’s unhandled rejection', async () => {
  const late = Promise.withResolvers<string>();
  assert.equal(await race([late.promise, Promise.resolve('won')]), 'won');
  late.reject(new Error('too late'));
  await assert.rejects(late.promise, /too late/);
});

test('nothing of a decided race is kept by a promise that goes on', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const end = new Promise<void>(() => {});
  const heapAfter = async (races: number): Promise<number> => {
    for (let count = 0; count < races; count += 1) await race([end, Promise.resolve()]);
    await setImmediate();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(1000);
  const races = 20_000;
  const each = ((await heapAfter(races)) - before) / races;
  assert.ok(each < 20, `${each.toFixed(0)} bytes a race`);
  assert.ok(end instanceof Promise);
});
