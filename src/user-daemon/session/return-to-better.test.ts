import assert from 'node:assert/strict';
import test from 'node:test';
import { silentLogger } from '#base/log.ts';
import type { RelayPath } from '#kube/relay-paths.ts';
import { returnToBetter } from './return-to-better.ts';

/** Time that passes only from one look to the next. */
function looks() {
  const slept: number[] = [];
  let wake = (): void => {};
  const clock = {
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      slept.push(ms);
      const passed = Promise.withResolvers<void>();
      wake = passed.resolve;
      signal.addEventListener('abort', () => passed.reject(signal.reason), { once: true });
      signal.throwIfAborted();
      await passed.promise;
    },
  };
  const next = async (): Promise<void> => {
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, slept, next };
}

test('a detour is left as soon as the better path works; looked for ever more rarely', async () => {
  const { clock, slept, next } = looks();
  let worst: RelayPath | undefined = 'port-forward';
  let works: boolean | Error = false;
  let renewals = 0;
  let tries = 0;
  await using _returning = returnToBetter({
    clock,
    log: silentLogger,
    worst: () => worst,
    tryBetter: async () => {
      tries += 1;
      if (works instanceof Error) throw works;
      return works;
    },
    renew: () => {
      renewals += 1;
    },
  });
  for (let index = 0; index < 6; index += 1) await next();
  assert.deepEqual(
    slept,
    [15, 30, 60, 120, 240, 300, 300].map((seconds) => seconds * 1000),
  );
  assert.equal(renewals, 0);
  works = new Error('no');
  await next();
  works = true;
  await next();
  assert.equal(renewals, 1);
  assert.equal(tries, 8);
  // Back on the best: nothing is tried, and the next detour is looked at soon.
  worst = 'service-proxy';
  await next();
  worst = undefined;
  await next();
  assert.equal(tries, 8);
  assert.equal(slept.at(-1), 15_000);
});
