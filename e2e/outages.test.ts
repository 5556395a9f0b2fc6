// A laptop or the API server out of reach for a while, and a workload that is deleted, while it is
// intercepted: the laptop's network, the intercept, open flows, the app's users, `status`. With
// E2E_LONG=1 the times of a real outage: a cut of 90 s, a sleep and an API server away of 120 s.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { loadavg } from 'node:os';
import { group } from '#protocol/resources.ts';
import { restartComponent, stopComponent } from '../playground/component.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { apiServerIsBack } from './api-server.ts';
import { cutRelay } from './cut-relay.ts';
import { eventually } from './eventually.ts';
import { clusterWorks, outsideWorks, signalDaemon } from './laptop-machine.ts';
import { startOpenFlow, type OpenFlow } from './open-flow.ts';
import { pass } from './pass.ts';
import { startRequestLoop, type RequestLoop } from './request-loop.ts';
import { apply, kubectl, telepresence } from './run.ts';
import { webApp } from './web-app.ts';
import { byApp, byLaptop, setUpWeb, type WebStage } from './web-stage.ts';

const namespace = 'outages-e2e';
const long = process.env['E2E_LONG'] === '1';
const cuts = long ? [5, 90] : [5];
const sleepSeconds = long ? 120 : 12;
const awaySeconds = long ? 120 : 12;
/** By which all must be as before; the figures that are printed are what counts. */
const withinMs = 30_000;
const { layout } = settingsFrom(process.env);
/** A workload that was made anew gets its agents by a rolling update first. */
const remadeMs = 90_000;
/** The longest that the controllers of Kubernetes wait between two tries, and the pods' own end. */
const withinGarbageMs = 90_000;
/** A loss is noticed within 7 s; a busy machine is later. */
const noticedMs = 20_000;
const kinds = `intercepts.${group}`;
const resources = new AsyncDisposableStack();
let running = new AsyncDisposableStack();
let stage: WebStage;
let loop: RequestLoop;
let outward: OpenFlow;
let inward: OpenFlow;

before(async () => {
  stage = resources.use(await setUpWeb({ namespace, replicas: 2, agent: true }));
});
after(async () => await resources.disposeAsync());

beforeEach(async () => {
  running = new AsyncDisposableStack();
  const { clientIp, url } = stage;
  await stage.intercept();
  loop = running.use(await startRequestLoop(clientIp, url));
  await loop.settles(byLaptop, { since: Date.now(), withinMs, what: 'the laptop answers' });
  outward = running.use(await startOpenFlow('laptop to cluster', 'laptop', 'http://hello.demo/'));
  inward = running.use(await startOpenFlow('pod to laptop', { podIp: clientIp }, url));
  console.log(`load ${String(loadavg()[0])}`);
});
afterEach(async () => {
  await running.disposeAsync();
  await telepresence(['quit', '-s'], { mayFail: true });
  await kubectl('delete', `${kinds},connections.${group}`, '-n', namespace, '--all');
});

/** The one intercept, as the API server has it. */
async function intercept(path: string): Promise<string> {
  return await kubectl('get', kinds, '-n', namespace, '-o', `jsonpath={.items[*]${path}}`);
}

async function isState(state: string): Promise<void> {
  assert.equal(await intercept('.status.state'), state);
}

async function status(): Promise<string> {
  return (await telepresence(['status'])).stdout;
}

/** What the app's users saw from the fault on. */
function tellUsers(from: number): void {
  const seen = loop.answers.filter(({ at }) => at >= from);
  const count = (who: RegExp): number => seen.filter(({ got }) => who.test(got)).length;
  const slow = seen.filter(({ tookMs }) => tookMs > 1000).length;
  const failures = seen.filter(({ got }) => !got.startsWith('200 '));
  const first = failures
    .slice(0, 20)
    .map(
      ({ at, tookMs, got }) =>
        `\n  ${got} asked at ${String(at - from)} ms for ${String(tookMs)} ms`,
    );
  console.log(
    `the app's users: ${String(count(byApp))} answered by the app, ${String(count(byLaptop))} by the ` +
      `laptop, ${String(slow)} after more than a second, ${String(failures.length)} failed` +
      first.join(''),
  );
}

/**
 * The app's users lose at most what was under way to the laptop when it became out of reach: a
 * connection is never refused, and nothing that was asked after `lost` fails.
 */
function onlyUnderWayFailed(fault: number, lost: number): void {
  const failed = loop.answers.filter(
    ({ at, tookMs, got }) => at + tookMs >= fault && !got.startsWith('200 '),
  );
  assert.deepEqual(
    failed.filter(({ at, got }) => at > lost || got !== 'error ECONNRESET'),
    [],
  );
}

/** Everything is as before the fault, with the very objects that there were. */
async function allIsBack(fault: number, since: number, uid: string, ms = withinMs): Promise<void> {
  await loop.settles(byLaptop, { since, withinMs: ms, what: 'the laptop answers' });
  tellUsers(fault);
  await inward.goesOn(since, withinMs);
  await outward.goesOn(since, withinMs);
  await eventually('Active', withinMs, () => isState('Active'));
  assert.equal(await intercept('.metadata.uid'), uid);
  await eventually('status says so', withinMs, async () => {
    const text = await status();
    assert.match(text, /Status +: Connected/);
    assert.match(text, /web: \S+$/m);
  });
  // A Service of a cluster that was without its API server may be without ready pods for a moment.
  await eventually('the cluster works', withinMs, clusterWorks);
  await outsideWorks();
}

for (const seconds of cuts) {
  test(`the way to the API server is cut for ${String(seconds)} s`, async () => {
    const uid = await intercept('.metadata.uid');
    const since = Date.now();
    let lost = since;
    {
      await using _cut = await cutRelay();
      lost = Date.now();
      const noticed = seconds > noticedMs / 1000;
      if (noticed) {
        await loop.settles(byApp, { since, withinMs: noticedMs, what: 'the app answers' });
        await eventually('the loss is noticed', noticedMs, () => isState('Disconnected'));
        const text = await status();
        assert.match(text, /Status +: Disconnected/);
        assert.match(text, /web: \S+ \(DISCONNECTED: /);
      }
      await outsideWorks();
      await pass(since + seconds * 1000 - Date.now());
      // Its users have been answered to the end.
      if (noticed)
        await loop.settles(byApp, { since: Date.now() - 5000, withinMs, what: 'the app' });
    }
    await allIsBack(since, Date.now(), uid);
    onlyUnderWayFailed(since, lost);
  });
}

test(`the laptop sleeps for ${String(sleepSeconds)} s`, async () => {
  const uid = await intercept('.metadata.uid');
  const since = Date.now();
  const daemons = ['user-daemon', 'root-daemon'] as const;
  for (const daemon of daemons) await signalDaemon(daemon, 'STOP');
  const lost = Date.now();
  try {
    await loop.settles(byApp, { since, withinMs: noticedMs, what: 'the app answers' });
    await eventually('the loss is noticed', noticedMs, () => isState('Disconnected'));
    // It does not really sleep: what it does without us works by name and by address.
    await eventually('names without the daemons', 10_000, outsideWorks);
    await pass(since + sleepSeconds * 1000 - Date.now());
  } finally {
    for (const daemon of daemons) await signalDaemon(daemon, 'CONT');
  }
  await allIsBack(since, Date.now(), uid);
  onlyUnderWayFailed(since, lost);
});

test(`the API server is away for ${String(awaySeconds)} s`, async () => {
  const uid = await intercept('.metadata.uid');
  const restarts = async (): Promise<string> =>
    await kubectl(
      'get',
      'pods',
      '-n',
      'ambassador',
      '-l',
      'telepresence=manager',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    );
  const before = await restarts();
  const machine = await requireMachine(layout, clusterMachine);
  const signal = AbortSignal.timeout(awaySeconds * 1000 + 120_000);
  const since = Date.now();
  // Its process carried the tunnel: that ends with it, at once.
  await stopComponent({ layout, machine }, 'kube-apiserver', signal);
  const lost = Date.now();
  try {
    await loop.settles(byApp, { since, withinMs: noticedMs, what: 'the app answers' });
    await eventually('status says so', noticedMs, async () => {
      const text = await status();
      assert.match(text, /Status +: Disconnected/);
      assert.match(text, /web: \S+ \(DISCONNECTED: /);
    });
    await outsideWorks();
    await pass(since + awaySeconds * 1000 - Date.now());
    await loop.settles(byApp, { since: Date.now() - 5000, withinMs, what: 'the app' });
  } finally {
    await restartComponent({ layout, machine }, 'kube-apiserver', signal);
  }
  const started = Date.now();
  await apiServerIsBack();
  console.log(`the API server is ready after ${String(Date.now() - started)} ms`);
  await allIsBack(since, Date.now(), uid);
  onlyUnderWayFailed(since, lost);
  // Both managers have waited for it.
  assert.equal(await restarts(), before);
});

test('the workload is deleted: that is said; made again, it is intercepted again', async () => {
  const uid = await intercept('.metadata.uid');
  const deleted = Date.now();
  await kubectl('delete', '-n', namespace, 'deployment/web');
  await eventually('it is said', noticedMs, async () => {
    const what = '{.items[*].status.state} {.items[*].status.reason}';
    const said = await kubectl('get', kinds, '-n', namespace, '-o', `jsonpath=${what}`);
    assert.equal(said, 'Error WorkloadNotFound');
    assert.match(await status(), /web: \S+ \(ERROR: .*web/);
  });
  await outward.goesOn(Date.now(), withinMs);
  await outsideWorks();
  // The cluster's garbage collector watches again up to half a minute after an outage. What is made
  // again under its name before, it takes for the old one, whose pods it then leaves for ever.
  await eventually('the old pods end', withinGarbageMs, async () => {
    const pods = ['pods', '-n', namespace, '-l', 'app=web', '-o', 'name'];
    assert.equal(await kubectl('get', ...pods), '');
  });
  await apply(webApp({ namespace, name: 'web', replicas: 2 }));
  await allIsBack(deleted, Date.now(), uid, remadeMs);
});
