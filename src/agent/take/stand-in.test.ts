import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createStandIn, type StandIn } from './stand-in.ts';

/** Over a switch that can do ports below 100, and listeners that note what becomes of them. */
function fixture(opening?: Promise<void>): { readonly it: StandIn; readonly calls: string[] } {
  const calls: string[] = [];
  const it = createStandIn({
    ports: {
      async on(port) {
        return port < 100;
      },
      async off(port) {
        calls.push(`off ${port}`);
      },
      whyNot: () => 'no rules',
    },
    async open(port) {
      await opening;
      if (port > 1000) throw new Error('in use');
      calls.push(`open ${port}`);
      return {
        async [Symbol.asyncDispose]() {
          calls.push(`close ${port}`);
        },
      };
    },
  });
  return { it, calls };
}

test('it listens itself only where nothing else brings a port, and its container is aside', async () => {
  const { it, calls } = fixture();
  assert.equal(await it.on(80, true), true);
  assert.equal(await it.on(800, false), false);
  assert.equal(it.whyNot(800), 'no rules');
  assert.deepEqual(calls, []);
  assert.equal(await it.on(800, true), true);
  assert.equal(await it.on(800, true), true);
  assert.deepEqual(calls, ['open 800']);
  assert.deepEqual([it.standsAt(80), it.standsAt(800)], [false, true]);
  await it.off(800);
  assert.deepEqual(calls, ['open 800', 'off 800', 'close 800']);
  assert.equal(it.standsAt(800), false);
});

test('who else listens there is not put out', async () => {
  const { it } = fixture();
  assert.equal(await it.on(8080, true), false);
  assert.equal(it.whyNot(8080), 'in use');
  assert.equal(it.standsAt(8080), false);
});

test('given back while it opens, and at the end: nothing stays open', async () => {
  const open = Promise.withResolvers<void>();
  const { it, calls } = fixture(open.promise);
  const taking = it.on(800, true);
  await new Promise((resolve) => setImmediate(resolve));
  const given = it.off(800);
  open.resolve();
  assert.equal(await taking, false);
  await given;
  assert.equal(calls.at(-1), 'close 800');
  assert.equal(await it.on(801, true), true);
  await it[Symbol.asyncDispose]();
  assert.equal(calls.at(-1), 'close 801');
});
