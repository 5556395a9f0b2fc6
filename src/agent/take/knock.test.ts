import assert from 'node:assert/strict';
import { test } from 'node:test';

import { knockOffAddress, knockOnAddress, knockTimeoutMs } from '#protocol/agent-config.ts';

import { knockCutAddress, knockTapAddress, knockUntapAddress } from '../init/rules.ts';
import { createKnocker, knockEveryMs } from './knock.ts';

/** A knocker whose time and datagrams are the test's. */
function fixture(heard = true) {
  const sent: string[] = [];
  const timers = new Set<() => void>();
  const time = { now: 0 };
  const knocker = createKnocker({
    clock: {
      monotonic: () => time.now,
      every(ms, run) {
        assert.equal(ms, knockEveryMs);
        timers.add(run);
        return { [Symbol.dispose]: () => timers.delete(run) };
      },
    },
    async send(address, port) {
      sent.push(`${address}:${port}`);
      return heard;
    },
  });
  const tick = (): void => {
    for (const run of timers) run();
  };
  return { knocker, sent, tick, timers, time };
}

test('a port is cut, switched on, renewed, and switched off', async () => {
  const { knocker, sent, tick, timers } = fixture();
  assert.equal(await knocker.on(80), true);
  assert.deepEqual(sent.splice(0), [`${knockCutAddress}:80`, `${knockOnAddress}:80`]);
  assert.equal(await knocker.on(80), true);
  assert.deepEqual(sent, [], 'once is enough');
  tick();
  tick();
  assert.deepEqual(sent.splice(0), [`${knockOnAddress}:80`, `${knockOnAddress}:80`]);
  await knocker.off(80);
  tick();
  assert.deepEqual(sent.splice(0), [`${knockOffAddress}:80`]);
  await knocker.off(80);
  assert.deepEqual(sent, []);
  assert.equal(timers.size, 0);
});

test('an agent that was not run for a while takes its port anew', async () => {
  const { knocker, sent, tick, time } = fixture();
  await knocker.on(80);
  sent.length = 0;
  time.now += knockTimeoutMs / 2;
  tick();
  assert.deepEqual(sent.splice(0), [`${knockOnAddress}:80`]);
  time.now += knockTimeoutMs;
  tick();
  assert.deepEqual(sent.splice(0), [`${knockCutAddress}:80`, `${knockOnAddress}:80`]);
  tick();
  assert.deepEqual(sent.splice(0), [`${knockOnAddress}:80`]);
});

test('what nobody heard is not renewed', async () => {
  const { knocker, timers } = fixture(false);
  assert.equal(await knocker.on(80), false);
  assert.equal(timers.size, 0);
  assert.match(knocker.whyNot(80), /init container/);
});

test('disposing gives every port back', async () => {
  const { knocker, sent, timers } = fixture();
  await knocker.on(80);
  await knocker.on(81);
  sent.length = 0;
  await knocker[Symbol.asyncDispose]();
  assert.deepEqual(sent, [`${knockOffAddress}:80`, `${knockOffAddress}:81`]);
  assert.equal(timers.size, 0);
});

test('a wiretapped port is renewed and given back without touching what is open, whoever takes it', async () => {
  const { knocker, sent, tick, timers, time } = fixture();
  assert.equal(await knocker.tap(80), true);
  assert.equal(await knocker.tap(80), true);
  assert.deepEqual(sent.splice(0), [`${knockTapAddress}:80`]);
  time.now += knockTimeoutMs;
  tick();
  assert.deepEqual(sent.splice(0), [`${knockTapAddress}:80`]);
  await knocker.on(80);
  await knocker.off(80);
  assert.deepEqual(sent.splice(0), [
    `${knockCutAddress}:80`,
    `${knockOnAddress}:80`,
    `${knockOffAddress}:80`,
  ]);
  await knocker.untap(80);
  assert.deepEqual(sent.splice(0), [`${knockUntapAddress}:80`]);
  assert.equal(timers.size, 0);
  const unheard = fixture(false);
  assert.equal(await unheard.knocker.tap(80), false);
  assert.equal(unheard.timers.size, 0);
  assert.match(unheard.knocker.whyNotTapped(80), /restart the workload/);
});
