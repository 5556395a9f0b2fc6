// A node short of memory, while a workload is intercepted: the agent of one of two pods and one of two
// managers are killed by the kernel, and a pod is evicted: by its kubelet, and by the API with an
// intercept and without.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { loadavg } from 'node:os';
import { group } from '#protocol/resources.ts';
import { eventually } from './eventually.ts';
import { clusterWorks, outsideWorks } from './laptop-machine.ts';
import { nearlyShortOfMemory, takeMemory } from './memory-pressure.ts';
import { runOutOfMemory } from './out-of-memory.ts';
import { rollOut } from './prepare.ts';
import { startRequestLoop, type RequestLoop } from './request-loop.ts';
import { kubectl, onCluster, telepresence } from './run.ts';
import { byApp, byLaptop, setUpWeb } from './web-stage.ts';

const namespace = 'node-pressure-e2e';
const resources = new AsyncDisposableStack();
/** By which all must be as before; the figures that are printed are what counts. */
const withinMs = 30_000;
/** An evicted pod of this test is gone at once; who is sent there later is a fault. */
const goneMs = 10_000;
const ofWeb = ['-n', namespace, '-l', 'app=web'] as const;
const ofManager = ['-n', 'ambassador', '-l', 'telepresence=manager'] as const;
let loop: RequestLoop;
let uid = '';

before(async () => {
  const stage = resources.use(await setUpWeb({ namespace, replicas: 2, agent: true }));
  await stage.intercept();
  uid = await intercept('.metadata.uid');
  loop = resources.use(await startRequestLoop(stage.clientIp, stage.url));
});
after(async () => await resources.disposeAsync());
beforeEach(async () => {
  console.log(`load ${String(loadavg()[0])}`);
  await loop.settles(byLaptop, { since: Date.now(), withinMs, what: 'the laptop answers' });
});

async function intercept(path: string): Promise<string> {
  const kinds = `intercepts.${group}`;
  return await kubectl('get', kinds, '-n', namespace, '-o', `jsonpath={.items[*]${path}}`);
}

async function podsOf(which: readonly string[]): Promise<string[]> {
  const names = await kubectl('get', 'pods', ...which, '-o', 'jsonpath={.items[*].metadata.name}');
  return names.split(' ');
}

/** What the app's users saw from `since` on; gives what failed, and when it was asked after that. */
function seenSince(what: string, since: number): { readonly failed: readonly number[] } {
  const seen = loop.answers.filter(({ at }) => at >= since);
  const failed = seen.filter(({ got }) => !got.startsWith('200 '));
  const byHand = seen.filter(({ got }) => byApp.test(got)).length;
  console.log(
    `${what}: ${String(seen.length)} requests, ${String(byHand)} answered by the app, ` +
      `${String(failed.length)} failed` +
      failed.map(({ at, got }) => `\n  ${got} asked at ${String(at - since)} ms`).join(''),
  );
  return { failed: failed.map(({ at }) => at - since) };
}

/** The same intercept is active, `status` says so, and the laptop's network works. */
async function allIsBack(since: number): Promise<void> {
  await loop.settles(byLaptop, { since, withinMs, what: 'the laptop answers' });
  await eventually('status says so', withinMs, async () => {
    assert.equal(await intercept('.metadata.uid'), uid);
    assert.equal(await intercept('.status.state'), 'Active');
    const { stdout } = await telepresence(['status']);
    assert.match(stdout, /Status +: Connected/);
    assert.match(stdout, /^ +web: \S+$/m);
  });
  await clusterWorks();
  await outsideWorks();
}

/** Runs a container of a pod out of memory; resolves when the kubelet has started it again. */
async function outOfMemory(pod: readonly string[], statuses: string): Promise<void> {
  const read = async (field: string): Promise<string> =>
    await kubectl('get', 'pod', ...pod, '-o', `jsonpath={.status.${statuses}${field}}`);
  await runOutOfMemory(await read('.containerID'));
  await eventually('the kubelet has started it again', withinMs, async () => {
    assert.equal(await read('.lastState.terminated.exitCode'), '137');
    assert.equal(await read('.lastState.terminated.reason'), 'OOMKilled');
    assert.notEqual(await read('.state.running.startedAt'), '');
  });
}

test('the agent of one of two pods is out of memory: nobody is refused', async () => {
  const [pod = ''] = await podsOf(ofWeb);
  const since = Date.now();
  const agent = 'initContainerStatuses[?(@.name=="traffic-agent")]';
  await outOfMemory(['-n', namespace, pod], agent);
  await allIsBack(Date.now());
  seenSince('an agent out of memory', since);
  const refused = loop.answers.filter(({ got }) => got === 'error ECONNREFUSED');
  assert.deepEqual(refused, []);
});

test('one of two managers is out of memory: the intercept stays', async () => {
  const [pod = ''] = await podsOf(ofManager);
  const since = Date.now();
  await outOfMemory(['-n', 'ambassador', pod], 'containerStatuses[0]');
  await rollOut('ambassador');
  await allIsBack(Date.now());
  seenSince('a manager out of memory', since);
  const refused = loop.answers.filter(({ got }) => got === 'error ECONNREFUSED');
  assert.deepEqual(refused, []);
});

async function twoAreReadyWithout(name: string): Promise<void> {
  const ready = 'jsonpath={.status.readyReplicas}';
  assert.equal(await kubectl('get', '-n', namespace, 'deployment/web', '-o', ready), '2');
  assert.ok(!(await podsOf(ofWeb)).includes(name));
}

test('the kubelet, short of memory, evicts a pod: the one in its place is intercepted', async () => {
  const [name = ''] = await podsOf(ofWeb);
  const since = Date.now();
  let evictedAfter = 0;
  {
    await using _ = await nearlyShortOfMemory();
    await takeMemory(['-n', namespace, name, '-c', 'web']);
    await eventually('the kubelet evicts', 60_000, async () => {
      const status = '{.status.phase} {.status.reason}: {.status.message}';
      const said = await kubectl('get', 'pod', '-n', namespace, name, '-o', `jsonpath=${status}`);
      assert.match(said, /^Failed Evicted: The node was low on resource: memory/);
    });
    evictedAfter = Date.now() - since;
  }
  // What is evicted stays as an object.
  await kubectl('delete', 'pods', '-n', namespace, '--field-selector=status.phase=Failed');
  await eventually('another pod is ready', 60_000, async () => {
    await twoAreReadyWithout(name);
  });
  await allIsBack(Date.now());
  const { failed } = seenSince('evicted by the kubelet', since);
  assert.deepEqual(
    failed.filter((afterMs) => afterMs > evictedAfter + goneMs),
    [],
  );
});

/** By the API, as a drain does and a kubelet short of something; gives what failed. */
async function evictOne(what: string): Promise<readonly number[]> {
  const [name = ''] = await podsOf(ofWeb);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  const since = Date.now();
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  await onCluster(['kubectl', 'create', '--raw', path, '-f', '-'], {
    input: JSON.stringify(eviction),
  });
  await eventually(`${what}: another pod is ready`, 60_000, async () => {
    await twoAreReadyWithout(name);
  });
  await loop.settles(/^200 /, { since: Date.now(), withinMs, what });
  return seenSince(what, since).failed;
}

test('a pod is evicted: as without an intercept, and the one in its place is intercepted', async () => {
  const intercepted = await evictOne('evicted while intercepted');
  await allIsBack(Date.now());
  await telepresence(['leave', 'web']);
  await loop.settles(byApp, { since: Date.now(), withinMs, what: 'the app answers' });
  const alone = await evictOne('evicted without an intercept');
  // What was on its way to a pod that ends without grace is lost in both cases.
  for (const failed of [intercepted, alone]) {
    assert.deepEqual(
      failed.filter((afterMs) => afterMs > goneMs),
      [],
    );
  }
});
