import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingContext } from '../testing.fixture.ts';
import { stopHandlers, type StoppableHandler } from './stop-handlers.ts';

/** One that ends when it is given no time, and otherwise not before it is told so. */
function handler(name: string, graceSeconds: number) {
  const told: number[] = [];
  const ended = Promise.withResolvers<number>();
  const stop = async (seconds: number): Promise<void> => {
    told.push(seconds);
    if (seconds === 0) ended.resolve(137);
    await ended.promise;
  };
  const stoppable: StoppableHandler = {
    graceSeconds,
    running: { name, ended: ended.promise, stop },
  };
  return { stoppable, told, end: () => ended.resolve(0) };
}

test('each has its own time, and none when it is to be hurried', async () => {
  const { context } = recordingContext();
  const [a, b] = [handler('a', 10), handler('b', 3)];
  const hurry = new AbortController();
  const stopped = stopHandlers(context, [a.stoppable, b.stoppable], hurry.signal);
  assert.deepEqual([a.told, b.told], [[10], [3]]);
  a.end();
  hurry.abort();
  await stopped;
  assert.deepEqual(b.told, [3, 0]);
});

test('one that cannot be stopped is named, and the others are', async () => {
  const { context, lines } = recordingContext();
  const good = handler('good', 0);
  const running = {
    name: 'bad',
    ended: new Promise<number>(() => {}),
    stop: async () => await Promise.reject(new Error('no engine')),
  };
  const both = [{ running, graceSeconds: 1 }, good.stoppable];
  await stopHandlers(context, both, new AbortController().signal);
  assert.deepEqual(lines, [
    '! telepresence intercept run: warning: handler bad may go on running: no engine',
  ]);
  assert.deepEqual(good.told, [0]);
});
