import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { createLogger } from '#base/log.ts';
import { systemClock } from '#base/clock.ts';

import { keepManagers } from './managers.ts';

const manager = { host: 'traffic-manager.ambassador', port: 8081 };

/** What is in the log two seconds after the start. */
async function saidWith(
  lookup: () => Promise<readonly string[]>,
  isUp: boolean,
): Promise<readonly string[]> {
  mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  const log = createLogger(
    { clock: systemClock, write: (line) => lines.push(line) },
    { level: 'info' },
  );
  const open = () => ({ isUp, [Symbol.asyncDispose]: async () => {} });
  const deps = { log, clock: systemClock, random: () => 0.5, lookup, open };
  await using _managers = keepManagers(deps, manager);
  await new Promise(setImmediate);
  mock.timers.tick(2000);
  mock.timers.reset();
  return lines.filter((line) => line.includes('not reached'));
}

test('who is not met within two seconds is named, with what is waited for', async () => {
  const silent = new Promise<never>(() => {});
  const [name = ''] = await saidWith(async () => await silent, false);
  assert.match(name, /an answer of the cluster's DNS for traffic-manager\.ambassador/);
  const [address = ''] = await saidWith(async () => ['10.244.0.7'], false);
  assert.match(address, /a connection to port 8081 of 10\.244\.0\.7/);
  assert.deepEqual(await saidWith(async () => ['10.244.0.7'], true), []);
});
