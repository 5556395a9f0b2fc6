// Two and three managers under an intercept: each killed, all killed, replaced one by one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { eventually } from './eventually.ts';
import { rollOut } from './prepare.ts';
import { startRequestLoop, type RequestLoop } from './request-loop.ts';
import { kubectl, onCluster } from './run.ts';
import { byApp, byLaptop, setUpWeb } from './web-stage.ts';

const namespace = 'attack-replicas';
const resources = new AsyncDisposableStack();
/** By which somebody must answer again; the figures that are printed are what counts. */
const withinMs = 20_000;
let loop: RequestLoop;
let uid = '';

const field = async (path: string, ...what: readonly string[]): Promise<string> =>
  await kubectl('get', ...what, '-o', `jsonpath=${path}`);

before(async () => {
  const stage = resources.use(await setUpWeb({ namespace, replicas: 1 }));
  resources.defer(async () => await scale(2));
  await scale(2);
  await stage.intercept();
  uid = await field('{.items[0].metadata.uid}', '-n', namespace, `intercepts.${group}`);
  await rollOut(namespace);
  // The pod itself: on a busy machine its readiness comes and goes, and its Service refuses then.
  loop = resources.use(await startRequestLoop(stage.clientIp, `http://${await webPodIp()}:8080/`));
  await settled('the laptop answers', Date.now());
});
after(async () => await resources.disposeAsync());

async function webPodIp(): Promise<string> {
  const path = '{range .items[*]}{.metadata.deletionTimestamp}{"|"}{.status.podIP}{" "}{end}';
  const pods = (await field(path, '-n', namespace, 'pods', '-l', 'app=web')).split(' ');
  const [, ip = ''] = pods.find((pod) => pod.startsWith('|'))?.split('|') ?? [];
  assert.notEqual(ip, '');
  return ip;
}

async function scale(replicas: number): Promise<void> {
  const manager = ['-n', 'ambassador', 'deployment/traffic-manager'];
  await kubectl('scale', ...manager, '--replicas', String(replicas));
  await rollOut('ambassador');
}

async function managers(): Promise<string[]> {
  const names = await field(
    '{.items[*].metadata.name}',
    '-n',
    'ambassador',
    'pods',
    '-l',
    'telepresence=manager',
  );
  return names.split(' ');
}

/** Which managers have reverse sessions of the laptop, as `status` says. */
async function relays(): Promise<string[]> {
  const text = await field('{.items[0].status.relays}', '-n', namespace, `connections.${group}`);
  const parsed: unknown = JSON.parse(text === '' ? '{}' : text);
  return Object.keys(parsed ?? {}).toSorted();
}

async function writer(): Promise<string> {
  const holder = await field(
    '{.spec.holderIdentity}',
    '-n',
    'ambassador',
    'lease',
    'traffic-manager',
  );
  return holder.split('/')[0] ?? '';
}

/** As the kernel does it when memory is short: no word to anybody. */
async function kill(pods: readonly string[]): Promise<void> {
  const path = '{.status.containerStatuses[0].containerID}';
  const ids = await Promise.all(
    pods.map(async (pod) => await field(path, '-n', 'ambassador', 'pod', pod)),
  );
  await Promise.all(
    ids.map(async (id) => {
      const container = id.replace('containerd://', '');
      await onCluster(['ctr', '-n', 'k8s.io', 'tasks', 'kill', '-a', '-s', 'SIGKILL', container]);
    }),
  );
}

async function settled(what: string, since: number, who = byLaptop) {
  return await loop.settles(who, { since, withinMs, what });
}

/** How often the managers' processes were started anew, by pod. */
async function starts(pods: readonly string[]): Promise<number> {
  const path = '{.status.containerStatuses[0].restartCount}';
  const counts = pods.map(async (pod) => Number(await field(path, '-n', 'ambassador', 'pod', pod)));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Kills, and waits until the kubelet has started all of them again. */
async function killAndWait(pods: readonly string[]): Promise<number> {
  const before = await starts(pods);
  await kill(pods);
  const since = Date.now();
  await eventually('they are started again', 90_000, async () => {
    assert.ok((await starts(pods)) >= before + pods.length);
  });
  return since;
}

function report(what: string, since: number): void {
  const during = loop.answers.filter(({ at }) => at >= since);
  const failed = during.filter(({ got }) => !got.startsWith('200 ')).length;
  const toApp = during.filter(({ got }) => byApp.test(got)).length;
  console.log(
    `${what}: ${String(during.length)} requests, ${String(failed)} failed, ` +
      `${String(toApp)} answered by the app`,
  );
}

/** `status` says what is so: the same intercept, active, with laptops where they are. */
async function truthful(): Promise<void> {
  await eventually('status is as it is', 30_000, async () => {
    const found = await field(
      '{.items[0].metadata.uid} {.items[0].status.state}',
      '-n',
      namespace,
      `intercepts.${group}`,
    );
    assert.equal(found, `${uid} Active`);
    const path = '{.items[0].status.state}';
    assert.equal(await field(path, '-n', namespace, `connections.${group}`), 'Connected');
    const alive = new Set(await managers());
    const named = await relays();
    assert.ok(named.length > 0 && named.every((pod) => alive.has(pod)));
    assert.ok(alive.has(await writer()));
  });
}

async function killEach(): Promise<void> {
  for (const pod of await managers()) {
    const what = [
      (await relays()).includes(pod) ? 'with the laptop' : 'without the laptop',
      (await writer()) === pod ? 'that writes' : 'that does not write',
    ].join(', ');
    const since = await killAndWait([pod]);
    await settled(`killed a manager ${what}`, Date.now());
    await truthful();
    report(`killed a manager ${what}`, since);
    // Two at once is another test.
    await rollOut('ambassador');
  }
}

test('the managers are replaced one by one: no request fails', async () => {
  const before = await managers();
  const since = Date.now();
  await kubectl('-n', 'ambassador', 'rollout', 'restart', 'deployment/traffic-manager');
  await rollOut('ambassador');
  await eventually('the old ones are gone', 60_000, async () => {
    const now = await managers();
    assert.ok(!now.some((pod) => before.includes(pod)));
  });
  await settled('after the rolling update', Date.now());
  report('rolling update', since);
  const failed = loop.answers.filter(({ at, got }) => at >= since && !got.startsWith('200 '));
  assert.deepEqual(failed, []);
  await truthful();
});

test('two managers, each killed: the intercept stays', killEach);

test('both killed: the app answers, and the laptop again when they are back', async () => {
  const since = await killAndWait(await managers());
  const toApp = loop.answers.filter(({ at, got }) => at >= since && byApp.test(got));
  assert.notEqual(toApp.length, 0);
  await settled('the laptop answers again', Date.now());
  await truthful();
  report('all managers killed', since);
});

test('three managers, each killed: the intercept stays', async () => {
  await scale(3);
  await truthful();
  await killEach();
});
