/**
 * A copy of an app's traffic on laptops: whole where they listen; and whatever they do (never read, refuse,
 * die, lose their link), the original's every byte comes back, and no connection fails.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cutRelay } from './cut-relay.ts';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onCluster, telepresence } from './run.ts';
import { createUser, grantClient } from './user.ts';
import { webApp } from './web-app.ts';
import {
  startAsker,
  startEchoApp,
  startListener,
  type Asker,
  type Listener,
} from './wiretap/programs.ts';

const namespace = 'e2e-wiretap';
const echoPort = 9000;
const resources = new AsyncDisposableStack();
let asker: Asker;
/** Address of the pod that asks. */
let clientIp: string;

const bob = { kubeconfig: 'bob', laptop: 2 } as const;

/** The app that echoes, whose program the test itself runs in its pod. */
function echoWorkload(): string {
  const labels = { app: 'echo' };
  const container = {
    name: 'app',
    image: 'playground/busybox:1',
    command: ['sleep', '1000000'],
    env: [{ name: 'GREETING', value: 'hello' }],
    ports: [{ containerPort: echoPort }],
  };
  const template = {
    metadata: { labels, annotations: { 'telepresence.io/inject-traffic-agent': 'enabled' } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [container],
    },
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'echo' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: echoPort }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'echo' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

async function wiretap(
  { port }: Pick<Listener, 'port'>,
  options: Parameters<typeof telepresence>[1] = {},
): Promise<string> {
  const { stdout } = await telepresence(['wiretap', 'echo', '--port', String(port)], options);
  return stdout;
}

/** Whether the pod's own network stack has the port, and not the agent. */
async function isGivenBack(): Promise<void> {
  await eventually('the port is given back', 10_000, async () => {
    const pods = ['-n', namespace, 'deployment/echo', '-c', 'traffic-agent', '--tail=3'];
    assert.match(await kubectl('logs', ...pods), /port no longer wiretapped[^\n]*\n$/);
  });
}

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  resources.use(await grantClient(namespace, [await createUser('bob')]));
  await apply(echoWorkload());
  await apply(webApp({ namespace, name: 'web', replicas: 1, agent: true }));
  await apply(idlePod(namespace, 'client'));
  await rollOut(namespace);
  const ofEcho = ['-n', namespace, '-l', 'app=echo', '-o', 'jsonpath={.items[0].status.podIP}'];
  resources.use(await startEchoApp(await kubectl('get', 'pods', ...ofEcho), echoPort));
  clientIp = await readyPod(namespace, 'client');
  const host = await clusterIp(namespace, 'echo');
  asker = resources.use(await startAsker(clientIp, { host, port: 80, bulk: 8_000_000 }));
  await asker.wasWell('nobody listens', 40);
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  for (const laptop of [1, 2] as const) {
    await telepresence(['quit', '-s'], { laptop, mayFail: true });
  }
  await resources.disposeAsync();
});

test('a wiretap hears every byte of each new connection; the app answers as before', async () => {
  asker.begin();
  await using listener = await startListener('hears');
  const text = await wiretap(listener);
  assert.match(text, /^Using Deployment echo\nwiretapped\n {4}Wiretap name +: echo\n/);
  assert.match(text, new RegExp(`Destination +: 127.0.0.1:${String(listener.port)}\n`));
  await asker.wasWell('as it begins', 10);
  asker.begin();
  const sums = await asker.wasWell('somebody listens', 60);
  assert.ok(sums.size > 10);
  await eventually('all was heard', 10_000, async () => {
    const { whole } = listener;
    assert.deepEqual(
      [...sums].filter((sum) => !whole.has(sum)),
      [],
    );
  });
  assert.match((await telepresence(['list'])).stdout, /^echo *: wiretapped\n {4}Wiretap name/m);
  assert.match((await telepresence(['status'])).stdout, /Wiretaps +: 1 total\n +echo: /);
  const kinds = await kubectl('get', 'intercepts', '-n', namespace, '-o', 'wide');
  assert.match(kinds, /wiretap/);
  asker.begin();
  await telepresence(['detach', 'echo']);
  await asker.wasWell('as it ends', 10);
  await isGivenBack();
});

test('a handler that never reads, that is not there, that dies: the original does not notice', async () => {
  asker.begin();
  {
    await using deaf = await startListener('deaf');
    await wiretap(deaf);
    await asker.wasWell('a handler that never reads', 80);
    assert.ok(deaf.connections > 0, 'it was asked');
    // There is an end to what waits for it.
    await eventually('its copies are cut short', 20_000, async () => {
      const logs = ['-n', namespace, 'deployment/echo', '-c', 'traffic-agent'];
      assert.match(await kubectl('logs', ...logs), /copy lost.*more slowly/);
    });
    asker.begin();
    deaf.kill();
  }
  await asker.wasWell('a handler that dies', 40);
  await telepresence(['leave', 'echo']);
  asker.begin();
  await wiretap({ port: 9 });
  await asker.wasWell('no handler', 40);
  // It may come yet, and hears what comes from then on.
  asker.begin();
  await using late = await startListener('hears', { port: 9 });
  await eventually('it hears', 10_000, async () => assert.ok(late.whole.size > 10));
  await asker.wasWell('a handler that comes late', 10);
});

test('a link that is cut, a daemon that is killed: the original does not notice', async () => {
  {
    asker.begin();
    await using _cut = await cutRelay();
    await asker.wasWell('the link is cut', 140);
  }
  await eventually('the wiretap is back', 30_000, async () => {
    assert.match((await telepresence(['status'])).stdout, /echo: \S+\n/);
  });
  asker.begin();
  await signalDaemon('user-daemon', 'KILL');
  await asker.wasWell('the daemon is killed', 40);
  await isGivenBack();
  await telepresence(['connect', '--namespace', namespace]);
});

test('two people at once, beside an intercept: each hears what its clients say, none is in the way', async () => {
  await using handler = await startHandler('laptop');
  const port = ['--port', String(handler.port)];
  const url = `http://${await clusterIp(namespace, 'web')}/`;
  const ask = async (): Promise<string> => {
    const argv = ['exec', '-n', namespace, 'client', '--', 'timeout', '5', 'wget', '-qO-', url];
    return (await kubectl(...argv)).trim();
  };
  await telepresence(['connect', '--namespace', namespace], bob);
  await using first = await startListener('hears');
  await using second = await startListener('hears', { laptop: 2 });
  await telepresence(['wiretap', 'ear', '--workload', 'web', '--port', String(first.port)]);
  await telepresence(['wiretap', 'web', '--port', String(second.port)], bob);
  assert.match(await ask(), /^web-/);
  const heard = async (count: number): Promise<void> => {
    await eventually('both have heard', 10_000, async () => {
      assert.equal(Math.min(first.ended, second.ended), count);
    });
  };
  await heard(1);
  await telepresence(['intercept', 'web', ...port]);
  assert.equal(await ask(), 'laptop');
  await heard(2);
  const list = (await telepresence(['list'], bob)).stdout;
  assert.match(list, /^web *: wiretapped, .*intercepted by \S+ \(intercept web\)/m);
  assert.match(list, /wiretapped by \S+ \(wiretap ear\)/);
  await telepresence(['leave', 'web']);
  assert.match(await ask(), /^web-/);
  await heard(3);
  await telepresence(['leave', 'web'], bob);
  assert.match(await ask(), /^web-/);
  await eventually('the first hears it', 10_000, async () => {
    assert.equal(first.ended, 4);
  });
  assert.equal(second.ended, 3);
});

test('who may not intercept may not wiretap, and a name is one thing', async () => {
  await using listener = await startListener('hears');
  const flags = ['--port', String(listener.port)];
  const { stderr } = await telepresence(['intercept', 'ear', '-w', 'web', ...flags], {
    mayFail: true,
  });
  assert.match(stderr, /^telepresence intercept: error: ear is the name of a wiretap of yours\n/);
  const udp = await telepresence(['wiretap', 'nobody', ...flags], { mayFail: true });
  assert.match(udp.stderr, /^telepresence wiretap: error: no .*named nobody/);
  const can = ['kubectl', 'auth', 'can-i', 'create', 'intercepts.intercept.telepresence.io'];
  const eve = ['--as', 'eve', '-n', namespace];
  assert.equal((await onCluster([...can, ...eve], { mayFail: true })).stdout.trim(), 'no');
});
