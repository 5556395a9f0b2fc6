// Three replicas under steady load while intercepts come and go: who answers, and what is lost.
// Not part of `npm test` yet, see ../README.md. E2E_ROUNDS=100 is the long form; E2E_WORKLOAD=redirect looks at one way of taking alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { tally } from './judge.ts';
import { report } from './report.ts';
import { startLoadSite, workloads, type LoadSite } from './site.ts';

const rounds = Number(process.env['E2E_ROUNDS'] ?? 4);
const only = process.env['E2E_WORKLOAD'];
const loaded = workloads.filter((name) => only === undefined || only === name);
const resources = new AsyncDisposableStack();
let site: LoadSite;

before(async () => {
  site = resources.use(await startLoadSite({ workloads: loaded }));
});
after(async () => {
  await resources.disposeAsync();
});

async function pass(ms: number): Promise<void> {
  await systemClock.sleep(ms, AbortSignal.timeout(ms + 60_000));
}

test('intercepts come and go under load: nothing is lost, and the right side answers', async () => {
  await pass(1000);
  for (let round = 0; round < rounds; round += 1) {
    for (const workload of loaded) await site.intercept(workload);
    // Now and then for longer than connections may stay with the old side.
    await pass(round % 4 === 0 ? 7000 : 1000);
    for (const workload of loaded) await site.leave(workload);
    await pass(1000);
    if (round % 10 === 9) console.log(report(site));
  }
  await pass(1000);
  await site.client.stop();
  console.log(report(site));
  const { faults } = tally(site.client.records, site.switches);
  assert.deepEqual(faults, []);
  const twice = [...(await site.handled())].filter(([, times]) => times > 1);
  assert.deepEqual(twice, []);
});
