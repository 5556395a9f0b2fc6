// A container that steps aside for the laptop, and comes back as it was.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { eventually } from './eventually.ts';
import { startHandler, type Handler } from './handler.ts';
import { helloApp } from './hello-app.ts';
import { signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, inPodNetwork, readyPod } from './pod-network.ts';
import { connectionManifest, interceptManifest } from './objects.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onCluster, telepresence } from './run.ts';
import { createUser, grant, type KubeUser } from './user.ts';
import { dnsApp, dnsPorts } from './udp/dns-app.ts';
import { startDnsHandler, type DnsHandler } from './udp/dns-handler.ts';
import { removeWork, timesDone, workerApp } from './worker-app.ts';

const namespace = 'e2e-replace';
const strict = 'e2e-replace-strict';
const environmentFile = '/tmp/e2e-replace-env.json';
const graceMs = 5000;
const image = ['--set', 'image.registry=telepresence'] as const;
const resources = new AsyncDisposableStack();
let laptop: Handler;
let other: Handler;
let dns: DnsHandler;
let client = '';
let bob: KubeUser;

before(async () => {
  await prepare();
  resources.defer(async () => {
    await telepresence(['helm', 'upgrade', ...image], { deadlineMs: 180_000, mayFail: true });
  });
  const grace = `intercept.grace=${String(graceMs)}ms`;
  await telepresence(['helm', 'upgrade', ...image, '--set', grace], { deadlineMs: 180_000 });
  resources.use(await createNamespace(namespace));
  resources.use(await createNamespace(strict, 'restricted'));
  resources.defer(removeWork);
  laptop = resources.use(await startHandler('laptop'));
  other = resources.use(await startHandler('other'));
  dns = resources.use(await startDnsHandler('both'));
  await apply(
    [
      workerApp(namespace),
      workerApp(namespace, 'ReplicaSet', 'bare'),
      helloApp({ namespace, name: 'web', sidecar: true }),
      helloApp({
        namespace: strict,
        name: 'web',
        services: { web: [{ port: 80, targetPort: 'http' }] },
      }),
      dnsApp({ namespace, name: 'dns', services: { dns: dnsPorts } }),
      dnsApp({ namespace: strict, name: 'dns', services: { dns: dnsPorts } }),
      idlePod(namespace, 'client'),
    ].join('\n---\n'),
  );
  await rollOut(namespace);
  await rollOut(strict);
  client = await readyPod(namespace, 'client');
  bob = await createUser('bob');
  await grant(namespace, { kind: 'ClusterRole', name: 'telepresence-client' }, [bob]);
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
  await rm(environmentFile, { force: true });
});

/** What a pod of the cluster is answered. */
async function ask(url: string): Promise<string> {
  const shell = `timeout 5 wget -qO- ${url} 2>&1 || echo failed`;
  return (await kubectl('exec', '-n', namespace, 'client', '--', 'sh', '-c', shell)).trim();
}

async function mustReplace(...args: readonly string[]): Promise<string> {
  const began = performance.now();
  const { stdout } = await telepresence([...args], { deadlineMs: 150_000 });
  console.log(`${args.join(' ')}: ${String(Math.round(performance.now() - began))} ms\n${stdout}`);
  return stdout;
}

async function refusal(...args: readonly string[]): Promise<string> {
  const { status, stderr } = await telepresence([...args], { mayFail: true });
  console.log(stderr.trim());
  assert.equal(status, 1);
  return stderr;
}

/** What of a workload's own template and pods must be afterwards as it was before. */
async function templateOf(workload: string): Promise<unknown> {
  const { spec } = JSON.parse(await kubectl('get', '-n', namespace, workload, '-o', 'json'));
  return spec.template.spec;
}

async function podsOf(name: string): Promise<{ name: string; containers: unknown }[]> {
  const list = await kubectl('get', 'pods', '-n', namespace, '-l', `app=${name}`, '-o', 'json');
  const pods: { metadata: { name: string }; spec: { containers: unknown } }[] =
    JSON.parse(list).items;
  return pods.map(({ metadata, spec }) => ({ name: metadata.name, containers: spec.containers }));
}

/** It does something by itself. */
async function works(name: string, withinMs = 5000): Promise<void> {
  const before = await timesDone(name);
  await eventually(`${name} works`, withinMs, async () =>
    assert.ok((await timesDone(name)) > before + 2),
  );
}

/** Its sidecar goes on for a while, and it does nothing meanwhile. */
async function rests(name: string): Promise<void> {
  const before = await timesDone(name);
  const sidecar = await timesDone(`${name}-sidecar`);
  await eventually(`${name}'s sidecar goes on`, 20_000, async () =>
    assert.ok((await timesDone(`${name}-sidecar`)) > sidecar + 20),
  );
  assert.equal(await timesDone(name), before);
}

/** The containers are what they were, in as many pods. */
async function asBefore(name: string, before: Awaited<ReturnType<typeof podsOf>>): Promise<void> {
  await eventually(`${name} is as before`, 150_000, async () => {
    assert.deepEqual(
      (await podsOf(name)).map(({ containers }) => containers),
      before.map(({ containers }) => containers),
    );
  });
}

test('a consumer without ports: it stops, its environment is here, it comes back as it was', async () => {
  await works('worker');
  const [template, pods] = [await templateOf('deployment/worker'), await podsOf('worker')];
  const several = await refusal('replace', 'worker');
  assert.match(several, /Deployment worker has several containers: worker, worker-sidecar/);
  assert.match(several, /--container NAME/);
  assert.deepEqual(await podsOf('worker'), pods, 'nothing was touched');

  const flags = ['--container', 'worker', '--env-json', environmentFile];
  const block = await mustReplace('replace', 'worker', ...flags);
  assert.match(block, /^Using Deployment worker\nreplaced\n/);
  assert.match(block, /^ +Replaced container: worker$/m);
  assert.match(block, /^ +Intercepting +: nothing, as the container has no TCP or UDP ports$/m);
  await rests('worker');
  assert.deepEqual(await templateOf('deployment/worker'), template);
  const environment: unknown = JSON.parse(await readFile(environmentFile, 'utf8'));
  assert.partialDeepStrictEqual(environment, {
    QUEUE: 'worker-queue',
    NODE_OPTIONS: '--require /nowhere.js',
    MEMORY: String(16 * 1024 * 1024),
    TELEPRESENCE_CONTAINER: 'worker',
    TELEPRESENCE_MOUNTS: '/done:/bin/settings',
  });
  assert.match((await telepresence(['list'])).stdout, /^worker: replaced$/m);
  const { stdout: status } = await telepresence(['status']);
  assert.match(status, /worker: \S+@\S+ \(container worker replaced\)/);
  const listed: unknown = JSON.parse((await telepresence(['list', '--format', 'json'])).stdout);
  assert.ok(JSON.stringify(listed).includes('"replace":true'));

  await telepresence(['leave', 'worker']);
  await asBefore('worker', pods);
  await works('worker');
  assert.deepEqual(await templateOf('deployment/worker'), template);
});

test('the same for as long as a command runs, of a ReplicaSet', async () => {
  await works('bare');
  const pods = await podsOf('bare');
  const script = 'echo "queue $QUEUE"; cat "$TELEPRESENCE_ROOT/bin/settings/color"';
  const flags = ['--container', 'bare', '--', 'sh', '-c', script];
  const stdout = await mustReplace('replace', 'bare', ...flags);
  assert.match(stdout, /^queue bare-queue\nblue$/m);
  await asBefore('bare', pods);
  await works('bare');
});

test('every port of the container, and nobody else may have it', async () => {
  const pods = await podsOf('web');
  const ports = [`${String(laptop.port)}:http`, `${String(other.port)}:8081`];
  const block = await mustReplace(
    'replace',
    'web',
    '--container',
    'app',
    '--port',
    ports.join(','),
  );
  assert.match(block, new RegExp(`^ +8080 -> ${String(laptop.port)} TCP$`, 'm'));
  assert.match(block, new RegExp(`^ +8081 -> ${String(other.port)} TCP$`, 'm'));
  const address = /Intercepting +: (\S+) ->/.exec(block)?.[1] ?? '';
  assert.equal(await ask('http://web'), 'laptop');
  assert.equal(await ask(`http://${address}:8081`), 'other');
  const inSidecar = ['exec', '-n', namespace, 'deployment/web', '-c', 'sidecar', '--'];
  const sidecar = await kubectl(...inSidecar, 'wget', '-qO-', 'http://127.0.0.1:9091');
  assert.match(sidecar, /^sidecar web-/);

  assert.match(
    await intercepted(),
    /^Error Conflict container app of Deployment web is replaced by \S+@\S+ \(intercept web\)$/,
  );
  await telepresence(['leave', 'web']);
  await eventually('the app answers', 150_000, async () =>
    assert.match(await ask('http://web'), /^app web-\S+ 8080$/),
  );
  await asBefore('web', pods);
});

/** What bob is told, who wants the same container's port. */
async function intercepted(): Promise<string> {
  const { name } = bob;
  const make = async (object: object): Promise<void> => {
    const input = JSON.stringify(object);
    assert.equal((await bob.kubectl(['create', '-f', '-'], { input })).status, 0);
  };
  const [theirs, connection] = [`intercepts.${group}/${name}`, `connections.${group}/${name}`];
  try {
    await make(connectionManifest({ namespace, name, user: name }));
    const path = 'jsonpath={.metadata.uid}';
    const uid = await kubectl('get', '-n', namespace, connection, '-o', path);
    const of = { namespace, name, uid };
    await make(interceptManifest({ namespace, name, user: name, connection: of, workload: 'web' }));
    let said = '';
    await eventually('bob is refused', 10_000, async () => {
      const what = 'jsonpath={.status.state} {.status.reason} {.status.message}';
      said = await kubectl('get', '-n', namespace, theirs, '-o', what);
      assert.match(said, /^Error/);
    });
    return said;
  } finally {
    const delete_ = [
      'kubectl',
      'delete',
      '-n',
      namespace,
      theirs,
      connection,
      '--ignore-not-found',
    ];
    await onCluster(delete_, { mayFail: true });
  }
}

/** Who answers a pod's questions at a Service. */
async function answers(protocol: 'udp' | 'tcp', host: string): Promise<string> {
  const program = new URL('udp/ask-once.client.ts', import.meta.url).pathname;
  const words = [process.execPath, program, protocol, host, '53', '2'];
  return [...new Set((await inPodNetwork(client, words)).stdout.trim().split('\n'))].join();
}

async function replacesBoth(where: string): Promise<void> {
  const at = await clusterIp(where, 'dns');
  assert.equal(await answers('udp', at), 'app');
  const to = String(dns.port);
  const block = await mustReplace('replace', 'dns', '-p', `${to}:5353,${to}:5353/UDP`);
  for (const protocol of ['udp', 'tcp'] as const) {
    assert.match(block, new RegExp(`^ +5353 -> ${to} ${protocol.toUpperCase()}$`, 'm'));
    assert.equal(await answers(protocol, at), 'laptop', protocol);
  }
  const listed = (await telepresence(['list', '--intercepts', '--output', 'json'])).stdout;
  for (const protocol of ['UDP', 'TCP']) {
    const port = `"container_port": ?5353,\\s*"protocol": ?"${protocol}",\\s*"target_port": ?${to}`;
    assert.match(listed, new RegExp(port));
  }
  await telepresence(['leave', 'dns']);
  await eventually('the app answers', 150_000, async () => {
    for (const protocol of ['udp', 'tcp'] as const) {
      assert.equal(await answers(protocol, at), 'app');
    }
  });
}

test('UDP and TCP of one number, of a DNS server that is replaced', async () => {
  await replacesBoth(namespace);
});

test('intercept --replace, where NET_ADMIN is forbidden; and replace of ports without a name', async () => {
  await telepresence(['quit']);
  await telepresence(['connect', '--namespace', strict]);
  const block = await mustReplace('intercept', 'web', '--port', String(laptop.port), '--replace');
  assert.match(block, /^ +Destination +: 127\.0\.0\.1:/m);
  assert.match(block, /^ +Replaced container: app$/m);
  assert.equal(await ask(`http://web.${strict}`), 'laptop');
  const wrong = await refusal('intercept', 'web', '--replace', '--container', 'nope');
  assert.match(wrong, /has no container nope/);
  await telepresence(['leave', 'web']);
  await eventually('the app answers', 150_000, async () =>
    assert.match(await ask(`http://web.${strict}`), /^app web-\S+ 8080$/),
  );
  // Found by their numbers: the agent listens in the place of the container.
  await replacesBoth(strict);
  await telepresence(['quit']);
  await telepresence(['connect', '--namespace', namespace]);
});

test('a laptop that dies: after the grace it comes back by itself', async () => {
  const pods = await podsOf('web');
  await mustReplace(
    'replace',
    'web',
    '--container',
    'app',
    '--port',
    `${String(laptop.port)}:http`,
  );
  assert.equal(await ask('http://web'), 'laptop');
  await signalDaemon('user-daemon', 'KILL');
  const says = 'jsonpath={.items[*].status.state} {.items[*].status.message}';
  await eventually('it is said that nobody answers', 20_000, async () =>
    assert.match(
      await kubectl('get', '-n', namespace, `intercepts.${group}`, '-o', says),
      /^Disconnected .* (nobody answers, until container app comes back at|container app comes back now)/,
    ),
  );
  await eventually('the app answers', 150_000, async () =>
    assert.match(await ask('http://web'), /^app web-\S+ 8080$/),
  );
  await asBefore('web', pods);
});
