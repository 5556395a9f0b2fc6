// What breaks while a workload is intercepted, and how long a pod's requests notice it.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { restartComponent } from '../playground/component.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { apiServerIsBack } from './api-server.ts';
import { eventually } from './eventually.ts';
import { failBack } from './fail-back.ts';
import { startHandler } from './handler.ts';
import { signalDaemon } from './laptop-machine.ts';
import { rollOut } from './prepare.ts';
import { startRequestLoop, type RequestLoop } from './request-loop.ts';
import { kubectl, onCluster, telepresence } from './run.ts';
import { byApp, byLaptop, setUpWeb, type WebStage } from './web-stage.ts';

const namespace = 'attack-failures';
const { layout } = settingsFrom(process.env);
/** By which somebody must have answered again; the figures that are printed are what counts. */
const withinMs = 10_000;
const resources = new AsyncDisposableStack();
let stage: WebStage;
let loop: RequestLoop;

before(async () => {
  stage = resources.use(await setUpWeb({ namespace, replicas: 1 }));
});
after(async () => await resources.disposeAsync());

beforeEach(async () => {
  await stage.intercept();
  loop = await startRequestLoop(stage.clientIp, stage.url);
  await loop.settles(byLaptop, { since: Date.now(), withinMs, what: 'the laptop answers' });
});
afterEach(async () => {
  await loop[Symbol.asyncDispose]();
  await telepresence(['quit', '-s'], { mayFail: true });
  // Each test starts without what the one before left to be noticed.
  await kubectl('delete', `intercepts.${group},connections.${group}`, '-n', namespace, '--all');
});

/** Does something, and waits for who answers then. */
async function afterwards(what: string, who: RegExp, cause: () => Promise<unknown>) {
  const since = Date.now();
  await cause();
  return await loop.settles(who, { since, withinMs, what });
}

async function isState(state: string): Promise<void> {
  const path = 'jsonpath={.items[*].status.state}';
  assert.equal(await kubectl('get', `intercepts.${group}`, '-n', namespace, '-o', path), state);
}

/** `telepresence status` says what is so: all of these, within `ms`. */
async function statusSays(what: string, ...words: readonly RegExp[]): Promise<void> {
  await eventually(`status: ${what}`, withinMs, async () => {
    const { stdout, stderr } = await telepresence(['status'], { mayFail: true });
    for (const word of words) assert.match(`${stdout}${stderr}`, word);
  });
}

const connected = /Status +: Connected/;
/** Intercepted, and nothing to add. */
const active = /^ +web: \S+$/m;

async function webPods(): Promise<string[]> {
  const names = ['-n', namespace, '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}'];
  return (await kubectl('get', 'pods', ...names)).split(' ');
}

test('the user daemon is killed: the app answers', async () => {
  const since = Date.now();
  await afterwards('the app answers', byApp, () => signalDaemon('user-daemon', 'KILL'));
  await statusSays('killed', /User Daemon: Not running/, /Manager: Not connected/);
  assert.ok((await failBack('user daemon killed', { since, namespace, agents: 1 })) < withinMs);
  // Whoever connects again may intercept again, at once.
  await telepresence(['connect', '--namespace', namespace]);
  await telepresence(['intercept', 'web', '--port', String(stage.handler.port)]);
  await loop.settles(byLaptop, { since: Date.now(), withinMs, what: 'intercepted again' });
});

test('the root daemon is killed: the laptop goes on answering', async () => {
  const { errors } = await afterwards('the laptop answers', byLaptop, () =>
    signalDaemon('root-daemon', 'KILL'),
  );
  assert.deepEqual(errors, []);
  await statusSays('killed', /Root Daemon: Not running/, /telepresence connect/, connected, active);
});

test('the laptop sleeps: the app answers; it wakes: the laptop answers', async () => {
  const since = Date.now();
  await afterwards('the app answers', byApp, () => signalDaemon('user-daemon', 'STOP'));
  await eventually('the loss is noticed', withinMs, () => isState('Disconnected'));
  await statusSays('it does not answer', /the user daemon does not answer \(waited 5 s\)/);
  assert.ok((await failBack('the laptop sleeps', { since, namespace, agents: 1 })) < withinMs);
  await afterwards('the laptop answers', byLaptop, () => signalDaemon('user-daemon', 'CONT'));
  await statusSays('awake', connected, active);
});

test('the laptop’s wire is cut: the app answers; it is mended: the laptop answers', async () => {
  const wire = async (state: string): Promise<void> => {
    await onCluster(['ip', 'link', 'set', 'laptop0', state]);
  };
  try {
    const since = Date.now();
    await afterwards('the app answers', byApp, () => wire('down'));
    await eventually('the loss is noticed', withinMs, () => isState('Disconnected'));
    await statusSays('cut', /Status +: Disconnected/, /web: \S+ \(DISCONNECTED: /);
    assert.ok((await failBack('the wire is cut', { since, namespace, agents: 1 })) < withinMs);
  } finally {
    await wire('up');
  }
  const mended = { since: Date.now(), withinMs: 20_000, what: 'the laptop answers' };
  await loop.settles(byLaptop, mended);
  await statusSays('mended', connected, active);
});

test('the handler on the laptop ends: that is said truthfully', async () => {
  const other = await startHandler('other');
  await telepresence(['leave', 'web']);
  await telepresence(['intercept', 'web', '--port', String(other.port)]);
  await loop.settles(/^200 other$/, { since: Date.now(), withinMs, what: 'another answers' });
  await afterwards('refused', /^error ECONNRE(SET|FUSED)$/, async () => {
    await other[Symbol.asyncDispose]();
  });
});

test('the agent is killed: a pod is without answers for a moment, and intercepted again', async () => {
  const [pod = ''] = await webPods();
  const path = '{.status.initContainerStatuses[?(@.name=="traffic-agent")].containerID}';
  const id = await kubectl('get', 'pod', '-n', namespace, pod, '-o', `jsonpath=${path}`);
  const container = id.replace('containerd://', '');
  assert.match(container, /^[0-9a-f]{64}$/);
  const since = Date.now();
  await onCluster(['ctr', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', container]);
  // The rest of the 500 ms that its port stays switched on; and as long as the kubelet, which
  // counts a pod without its sidecar as not ready, takes to start it again.
  await eventually('it is back', 30_000, async () => {
    const path = '{.status.initContainerStatuses[?(@.name=="traffic-agent")].state.running}';
    const now = await kubectl('get', 'pod', '-n', namespace, pod, '-o', `jsonpath=${path}`);
    assert.notEqual(now, '');
  });
  const back = { since, withinMs: 30_000, what: 'the laptop answers' };
  const { outageMs } = await loop.settles(byLaptop, back);
  assert.ok(outageMs < withinMs);
  await statusSays('the agent is back', connected, active);
});

test('the manager is deleted: the intercept comes back by itself', async () => {
  const since = Date.now();
  await kubectl('delete', 'pod', '-n', 'ambassador', '-l', 'telepresence=manager', '--wait=false');
  const manager = ['deployment/traffic-manager', '--timeout=50s'];
  await kubectl('-n', 'ambassador', 'rollout', 'status', ...manager);
  console.log(`a manager is ready after ${String(Date.now() - since)} ms`);
  // Those that end wait for those that begin, on a calm machine so well that the app is not asked.
  const byOther = loop.answers.filter(({ at, got }) => at >= since && byApp.test(got));
  console.log(`${String(byOther.length)} answered by the app`);
  const back = { since: Date.now(), withinMs: 30_000, what: 'the laptop answers' };
  await loop.settles(byLaptop, back);
  const { stdout } = await telepresence(['list']);
  assert.match(stdout, /web: intercepted/);
  await statusSays('managers are back', connected, active);
});

test('the API server restarts: nothing of it reaches who is intercepted for long', async () => {
  const machine = await requireMachine(layout, clusterMachine);
  const since = Date.now();
  const signal = AbortSignal.timeout(60_000);
  await restartComponent({ layout, machine }, 'kube-apiserver', signal);
  await apiServerIsBack();
  console.log(`the API server is back after ${String(Date.now() - since)} ms`);
  const back = { since, withinMs: 30_000, what: 'the laptop answers' };
  await loop.settles(byLaptop, back);
  const { stdout } = await telepresence(['list']);
  assert.match(stdout, /web: intercepted/);
  await statusSays('the API server is back', connected, active);
  console.log(/Transport.*/.exec((await telepresence(['status'])).stdout)?.[0]);
});

test('the workload grows: new pods are intercepted too, and shrinks again', async () => {
  const scale = async (replicas: number): Promise<void> => {
    const args = ['-n', namespace, 'deployment/web', '--replicas', String(replicas)];
    await kubectl('scale', ...args);
    await rollOut(namespace);
  };
  const since = Date.now();
  await scale(3);
  console.log(`three pods after ${String(Date.now() - since)} ms`);
  const settled = { since: Date.now(), withinMs, what: 'the laptop answers for all' };
  await loop.settles(byLaptop, settled);
  // Three pods and a hundred requests: each is asked some thirty times.
  const from = loop.answers.length;
  await eventually('a hundred more', 20_000, async () => {
    assert.ok(loop.answers.length > from + 100);
  });
  const others = loop.answers.slice(from).filter(({ got }) => !byLaptop.test(got));
  assert.deepEqual(others, []);
  await afterwards('one pod again', byLaptop, () => scale(1));
  await statusSays('scaled', connected, active);
});

test('the pods are replaced: the new ones are intercepted too', async () => {
  await afterwards('the laptop answers', byLaptop, async () => {
    await kubectl('-n', namespace, 'rollout', 'restart', 'deployment/web');
    await rollOut(namespace);
  });
  await statusSays('replaced', connected, active);
});

test('kubectl delete intercept ends it', async () => {
  await afterwards('the app answers', byApp, () =>
    kubectl('delete', '-n', namespace, `intercepts.${group}`, '--all'),
  );
  const { stdout } = await telepresence(['list']);
  assert.doesNotMatch(stdout, /web: intercepted/);
  await statusSays('deleted', connected, /Intercepts +: 0 total/);
});

test('leave and quit end it', async () => {
  const left = await afterwards('the app answers', byApp, () => telepresence(['leave', 'web']));
  assert.deepEqual(left.errors, []);
  await telepresence(['intercept', 'web', '--port', String(stage.handler.port)]);
  await loop.settles(byLaptop, { since: Date.now(), withinMs, what: 'intercepted again' });
  const quit = await afterwards('the app answers', byApp, () => telepresence(['quit']));
  assert.deepEqual(quit.errors, []);
});
