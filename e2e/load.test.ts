// Three replicas under steady load while intercepts come and go, by both ways of taking a port: who
// answers, what is lost, what is handled twice. Five rounds; with E2E_LONG=1 a hundred.
// E2E_ROUNDS=3 and E2E_WORKLOAD=redirect look at a part of it, E2E_RECORDS=FILE keeps each request.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { signalDaemon } from './laptop-machine.ts';
import { pass } from './pass.ts';
import { seeFault } from './load/faults.ts';
import { tally } from './load/judge.ts';
import { isSafe } from './load/record.ts';
import { kubectl } from './run.ts';
import { report } from './load/report.ts';
import { startLoadSite, workloads, type LoadSite } from './load/site.ts';

const long = process.env['E2E_LONG'] === '1';
const rounds = Number(process.env['E2E_ROUNDS'] ?? (long ? 100 : 5));
const only = process.env['E2E_WORKLOAD'];
const kept = process.env['E2E_RECORDS'];
const loaded = workloads.filter((name) => only === undefined || only === name);
const resources = new AsyncDisposableStack();
let site: LoadSite;

before(async () => {
  site = resources.use(await startLoadSite({ workloads: loaded }));
});
after(async () => {
  await resources.disposeAsync();
});

async function all(change: (workload: (typeof loaded)[number]) => Promise<void>): Promise<void> {
  await Promise.all(loaded.map(change));
}

/** A slow machine makes fewer rounds of the short form, and says how many. */
const shortMs = 40_000;

test('intercepts come and go under load: nothing is lost, and the right side answers', async () => {
  const load = await site.startLoad();
  const { records } = load;
  await pass(1000);
  const began = systemClock.monotonic();
  let round = 0;
  for (; round < rounds; round += 1) {
    if (!long && round >= 2 && systemClock.monotonic() - began > shortMs) break;
    await all((workload) => site.intercept(workload));
    // Now and then for longer than connections may stay with the old side.
    await pass(round % 4 === 0 ? 7000 : 1000);
    await all((workload) => site.leave(workload));
    await pass(1000);
    if (round % 10 === 9) console.log(report(records, site.switches));
  }
  await pass(1000);
  await load.stop();
  const givenUp = await site.givenUp();
  console.log(`${String(round)} rounds, load ${String(loadavg()[0])}`);
  console.log(report(records, site.switches, givenUp));
  const handled = await site.handled();
  if (kept !== undefined) {
    writeFileSync(
      kept,
      JSON.stringify({ records, switches: site.switches, givenUp, handled: [...handled] }),
    );
  }
  const { faults } = tally(records, site.switches, givenUp);
  assert.deepEqual(faults, []);
  const twice = new Set([...handled].flatMap(([id, times]) => (times > 1 ? [id] : [])));
  // A laptop that was silent for too long may have handled a safe request, which the app got then: ADR 7.
  const safe = records.filter(({ kind, id }) => twice.has(id) && isSafe(kind));
  console.log(`safe requests handled twice: ${String(safe.length)}`);
  for (const { id } of safe) twice.delete(id);
  assert.deepEqual([...twice], [], 'handled twice');
  const answered = records.filter(({ by }) => by !== undefined);
  // Who counts what was handled has not missed any of it.
  assert.deepEqual(
    answered.filter(({ id }) => !handled.has(id)),
    [],
  );
  for (const side of ['app', 'laptop']) {
    assert.ok(
      answered.some(({ by }) => (by === 'laptop') === (side === 'laptop')),
      side,
    );
  }
});

// Nothing of it is cheap: pods start, and end after the 3 s that a careful app waits for.
if (long) {
  test('pods come and go and the user daemon dies under the same load', async () => {
    const [workload = 'redirect'] = loaded;
    const deployment = `deployment/${workload}`;
    const inNamespace = async (...words: readonly string[]): Promise<void> => {
      await kubectl('-n', site.namespace, ...words);
    };
    const allReady = (): Promise<void> =>
      inNamespace('rollout', 'status', deployment, '--timeout=110s');
    const scale = (to: number) => async (): Promise<void> => {
      await inNamespace('scale', deployment, `--replicas=${String(to)}`);
      await allReady();
    };
    await site.intercept(workload);
    const { records } = await site.startLoad([workload]);
    const pods = await Array.fromAsync(
      [
        () => seeFault('3 to 4 replicas', 'laptop', records, scale(4)),
        () => seeFault('4 to 2 replicas', 'laptop', records, scale(2)),
        () =>
          seeFault('a rolling update', 'laptop', records, async () => {
            await inNamespace('rollout', 'restart', deployment);
            await allReady();
          }),
        () =>
          seeFault('a pod is deleted', 'laptop', records, async () => {
            const pod = ['get', 'pods', '-l', `app=${workload}`, '-o', 'name'];
            const [first = ''] = (await kubectl('-n', site.namespace, ...pod)).split('\n');
            await inNamespace('delete', first);
            await allReady();
          }),
      ],
      (see) => see(),
    );
    const died = await seeFault('the user daemon is killed', 'app', records, () =>
      signalDaemon('user-daemon', 'KILL'),
    );
    // Whoever is told of a pod's end before it ends sends it nothing: the app waits for that.
    for (const { name, lostNew } of pods) assert.deepEqual(lostNew, [], name);
    assert.ok(died.untilMs < 10_000, `the app after ${String(died.untilMs)} ms`);
  });
}
