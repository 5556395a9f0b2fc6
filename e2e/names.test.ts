// Names and addresses on the laptop: the cluster's are there, the world's stay as they were, and
// nothing is left of us, however we end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { eventually } from './eventually.ts';
import { testOnLaptop } from './kube/fixture.ts';
import {
  clusterWorks,
  machineState,
  outsideWorks,
  processesOf,
  signalDaemon,
  socketFiles,
} from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { webApp } from './web-app.ts';

const namespace = 'attack-names';
const resources = new AsyncDisposableStack();
/** How long the laptop may be without what is its own, after one of us has died. */
const giveBackMs = 4000;
let untouched: Record<string, string>;
let outside: string;

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  // A namespace of a top-level domain's name: `web.dev` is somebody else's.
  resources.use(await createNamespace('dev'));
  await apply(webApp({ namespace, name: 'web', replicas: 1 }));
  await apply(webApp({ namespace, name: 'pods', replicas: 2, headless: true }));
  await apply(webApp({ namespace, name: 'empty', replicas: 0 }));
  await apply(webApp({ namespace: 'dev', name: 'x', replicas: 1 }));
  await Promise.all([rollOut(namespace), rollOut('dev')]);
  await telepresence(['quit', '-s'], { mayFail: true });
  untouched = await machineState();
  outside = await outsideAnswers();
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

async function outsideAnswers(): Promise<string> {
  const file = new URL('names/outside.laptop.ts', import.meta.url).pathname;
  return (await onLaptop(['sh', 'tools/node', file])).stdout;
}

async function connect(): Promise<void> {
  await telepresence(['connect', '--namespace', namespace]);
  await clusterWorks('http://web');
}

async function isUntouched(): Promise<void> {
  assert.deepEqual(await machineState(), untouched);
}

/** A user daemon that lives listens on a port of its own, which nothing leads to any more. */
async function isUntouchedButForListeners(): Promise<void> {
  const { listeners: _, ...state } = await machineState();
  const { listeners: __, ...wanted } = untouched;
  assert.deepEqual(state, wanted);
}

test('names, addresses and ports of the cluster', async () => {
  await connect();
  const ips = ['-n', namespace, '-l', 'app=pods', '-o', 'jsonpath={.items[*].status.podIP}'];
  await testOnLaptop('../names/names.laptop.ts', {
    env: {
      E2E_NAMESPACE: namespace,
      E2E_POD_IPS: await kubectl('get', 'pods', ...ips),
      E2E_WEB_IP: await clusterIp(namespace, 'web'),
      E2E_EMPTY_IP: await clusterIp(namespace, 'empty'),
    },
  });
});

test('the world outside answers as it did before', async () => {
  assert.match(outside, /203\.0\.113\.10/);
  await connect();
  await outsideWorks();
  assert.equal(await outsideAnswers(), outside);
});

test('a Service is open as soon as it has a pod, and refused when it has none', async () => {
  await connect();
  const scale = async (replicas: number): Promise<void> => {
    const args = ['scale', '-n', namespace, 'deployment/empty', '--replicas', String(replicas)];
    await kubectl(...args);
    await rollOut(namespace);
  };
  await scale(1);
  await eventually('open', 2000, () => clusterWorks('http://empty'));
  await scale(0);
  await eventually('refused', 2000, async () => {
    const argv = ['curl', '-sS', '--max-time', '2', 'http://empty'];
    const { status } = await onLaptop(argv, { mayFail: true });
    assert.equal(status, 7, 'curl’s status for a refused connection');
  });
  const made = 'late';
  await apply(webApp({ namespace, name: made, replicas: 1 }));
  await rollOut(namespace);
  await eventually('a new Service', 2000, () => clusterWorks(`http://${made}.${namespace}`));
});

test('quit leaves the daemons and nothing else; quit -s leaves nothing', async () => {
  await connect();
  const { stdout } = await telepresence(['quit']);
  assert.match(stdout, /^Disconnected$/m);
  await isUntouched();
  await outsideWorks();
  assert.equal((await processesOf('root-daemon')).length, 1);
  assert.equal((await processesOf('user-daemon')).length, 1);
  assert.equal((await kubectl('get', `connections.${group}`, '-A', '-o', 'name')).trim(), '');
  await connect();
  const stopped = await telepresence(['quit', '-s']);
  assert.match(stopped.stdout, /^Telepresence Daemons quitting\.\.\.done$/m);
  await isUntouched();
  assert.deepEqual(await processesOf('root-daemon'), []);
  assert.deepEqual(await processesOf('user-daemon'), []);
  assert.deepEqual(await socketFiles(), []);
  assert.equal((await kubectl('get', `connections.${group}`, '-A', '-o', 'name')).trim(), '');
  assert.equal(await outsideAnswers(), outside);
});

for (const daemon of ['root-daemon', 'user-daemon'] as const) {
  test(`kill -9 of the ${daemon}: the machine is as it was, and connect mends it`, async () => {
    await connect();
    await signalDaemon(daemon, 'KILL');
    await eventually('the world outside', giveBackMs, outsideWorks);
    const left = daemon === 'root-daemon' ? isUntouchedButForListeners : isUntouched;
    await eventually('nothing is left', giveBackMs, left);
    assert.equal(await outsideAnswers(), outside);
    const status = await telepresence(['status'], { mayFail: true });
    console.log(status.stdout);
    await telepresence(['connect', '--namespace', namespace]);
    await eventually('the cluster, after connect', giveBackMs, () => clusterWorks('http://web'));
    await outsideWorks();
    await telepresence(['quit', '-s']);
    await isUntouched();
  });

  test(`SIGSTOP of the ${daemon}: the world outside is there; SIGCONT: the cluster again`, async () => {
    await connect();
    await signalDaemon(daemon, 'STOP');
    await eventually('the world outside', giveBackMs, outsideWorks);
    await signalDaemon(daemon, 'CONT');
    await eventually('the cluster', 8000, () => clusterWorks('http://web'));
    await outsideWorks();
    await telepresence(['quit', '-s']);
    await isUntouched();
  });
}

test('both killed at once', async () => {
  await connect();
  const pids = [...(await processesOf('root-daemon')), ...(await processesOf('user-daemon'))];
  assert.equal(pids.length, 2);
  await onLaptop(['kill', '-KILL', ...pids]);
  await eventually('the world outside', giveBackMs, outsideWorks);
  await eventually('nothing is left', giveBackMs, isUntouched);
  const { stdout } = await telepresence(['quit', '-s']);
  assert.match(stdout, /^Telepresence Daemons have already quit$/m);
  await connect();
  await telepresence(['quit', '-s']);
  await isUntouched();
});
