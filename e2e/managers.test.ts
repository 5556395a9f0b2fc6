// A failed install says why and leaves the way free; two managers side by side; a peer's; real helm.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNamespace } from './namespace.ts';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { helloApp } from './hello-app.ts';
import { buildHelm } from './kube/helm.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startTelepresence } from './under-way.ts';

const repository = new URL('..', import.meta.url).pathname;
const own = 'e2e-manager-two';
const app = 'e2e-manager-app';
const resources = new AsyncDisposableStack();
const image = ['--set', 'image.registry=telepresence'];
const scope = ['-n', own, '--set', `namespaces={${app}}`];
const slow = { deadlineMs: 150_000 };

before(async () => {
  await prepare();
  resources.use(await createNamespace(own));
  resources.use(await createNamespace(app));
  // The one that all tests share serves the demo alone while this file runs.
  resources.defer(async () => {
    await telepresence(['helm', 'upgrade', '--reset-values', ...image], slow);
  });
  await telepresence(['helm', 'upgrade', ...image, '--set', 'namespaces={demo}'], slow);
  await apply(helloApp({ namespace: app, name: 'web' }));
  await rollOut(app);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await telepresence(['helm', 'uninstall', '-n', own], { ...slow, mayFail: true });
  await resources.disposeAsync();
});

async function statusOf(): Promise<string> {
  const path = 'jsonpath={.items[*].metadata.labels.status}';
  return await kubectl('-n', own, 'get', 'secrets', '-l', 'owner=helm', '-o', path);
}

async function fails(args: readonly string[]): Promise<string> {
  const { status, stderr } = await telepresence(args, { ...slow, mayFail: true });
  assert.equal(status, 1);
  return stderr;
}

test('wrong values, files and namespaces are named before anything is touched', async () => {
  const install = ['helm', 'install', ...scope];
  assert.match(
    await fails([...install, '--set', 'agnt.logLevel=debug']),
    /agnt: there is no such value \(agent\?\)/,
  );
  assert.match(await fails([...install, '-f', 'nowhere.yaml']), /nowhere\.yaml: there is no such/);
  assert.match(
    await fails(['helm', 'install', '-n', own, '--set', 'namespaces={e2e-absent}']),
    /namespace e2e-absent, which the manager is to serve, does not exist/,
  );
  assert.match(
    await fails(['helm', 'install', '-n', own, '--set', 'namespaces={demo}']),
    /the traffic-manager in namespace ambassador serves namespace demo already/,
  );
  assert.equal(await statusOf(), '');
  const { stdout } = await telepresence(['helm', 'lint', '--set', 'grpc.maxReceiveSize=1Mi']);
  assert.match(stdout, /\[INFO\] grpc has no effect[^]*0 chart\(s\) failed/);
});

test('a quota, a missing image and Ctrl-C are told in seconds, and the next install works', async () => {
  const quota = `{apiVersion: v1, kind: ResourceQuota, metadata: {name: none, namespace: ${own}}, spec: {hard: {pods: 0}}}`;
  await apply(quota);
  const refused = await fails(['helm', 'install', ...scope, ...image]);
  assert.match(refused, /error: deployment .*: pods cannot be created: .*exceeded quota: none/);
  assert.equal(await statusOf(), 'failed');
  await kubectl('-n', own, 'delete', 'resourcequota', 'none');
  const since = Date.now();
  const absent = await fails(['helm', 'install', ...scope, '--set', 'image.registry=absent.test']);
  console.log(`a missing image was named after ${String(Date.now() - since)} ms`);
  // What is waited for is said meanwhile.
  assert.match(absent, /^traffic-manager: /m);
  assert.match(
    absent,
    /error: deployment .*pod traffic-manager-.*, container traffic-manager: \w*Image/,
  );
  assert.equal(await statusOf(), 'failed failed');
  // One that waits for what never comes: any other may be through before its interruption.
  const never = ['--set', 'image.registry=nowhere.test'];
  const interrupted = await startTelepresence(['helm', 'install', ...scope, ...never]);
  await interrupted.says(/^traffic-manager: /m);
  await interrupted.interrupt();
  const { status, stderr } = await interrupted.ended;
  assert.equal(status, 130);
  assert.match(stderr, /^telepresence helm install: error: interrupted$/m);
  assert.equal(await statusOf(), 'failed failed failed');
  const done = await telepresence(['helm', 'install', ...scope, ...image], slow);
  assert.equal(done.stdout, 'Traffic Manager installed successfully\n');
  assert.equal(await statusOf(), 'failed failed failed deployed');
  const { stdout } = await telepresence(['helm', 'version', '-n', own]);
  assert.match(stdout, /^Installed: telepresence-ts-\S+, revision 4, deployed, in namespace/m);
});

test('each of two managers serves its own namespaces, by rights in them alone', async () => {
  const account = `system:serviceaccount:${own}:traffic-manager`;
  const may = async (namespace: string): Promise<string> =>
    (
      await onLaptop(
        ['kubectl', 'auth', 'can-i', 'list', 'pods', '-n', namespace, '--as', account],
        { mayFail: true },
      )
    ).stdout.trim();
  assert.deepEqual([await may(app), await may('demo')], ['yes', 'no']);
  await using laptop = await startHandler('laptop');
  const connect = ['connect', '--manager-namespace', own, '--namespace', app];
  await telepresence(connect, { deadlineMs: 60_000 });
  await telepresence(['intercept', 'web', '--port', String(laptop.port)], slow);
  await eventually('the laptop answers', 20_000, async () => {
    const { stdout } = await onLaptop(['curl', '-s', '--max-time', '5', 'http://web/']);
    assert.match(stdout, /laptop/);
  });
  await telepresence(['leave', 'web']);
  assert.match(await fails(['intercept', 'hello', '-n', 'demo']), /does not serve namespace demo/);
  await telepresence(['quit']);
  const elsewhere = ['connect', '--manager-namespace', own, '--namespace', 'demo'];
  assert.match(
    await fails(elsewhere),
    /the traffic-manager in namespace \S+ does not serve namespace demo, but \S+\nconnect by the one that does: telepresence connect --manager-namespace ambassador/,
  );
  await telepresence(['connect', '--namespace', 'demo'], { deadlineMs: 60_000 });
  assert.match((await telepresence(['list'])).stdout, /^hello /m);
  await telepresence(['quit']);
});

test('real helm shows, changes and rolls back what telepresence installed', async () => {
  const path = await buildHelm(AbortSignal.timeout(600_000));
  const helm = async (...args: readonly string[]): Promise<string> =>
    (await onLaptop([path, '-n', own, ...args], { ...slow, cwd: repository })).stdout;
  const level = async (): Promise<string> => {
    const text = await kubectl('-n', own, 'get', 'deployment/traffic-manager', '-o', 'yaml');
    return /"logLevel":"(\w+)"/.exec(text)?.[1] ?? '';
  };
  await telepresence(
    ['helm', 'upgrade', '-n', own, '--reuse-values', '--set', 'logLevel=debug'],
    slow,
  );
  assert.equal(await level(), 'debug');
  const values: unknown = JSON.parse(await helm('get', 'values', 'traffic-manager', '-o', 'json'));
  assert.deepEqual(values, {
    image: { registry: 'telepresence' },
    logLevel: 'debug',
    namespaces: [app],
  });
  await helm('rollback', 'traffic-manager', '4', '--wait');
  assert.equal(await level(), 'info');
  await helm(
    'upgrade',
    'traffic-manager',
    'chart',
    '--reuse-values',
    '--set',
    'logLevel=trace,podAnnotations.by=helm',
    '--wait',
  );
  assert.equal(await level(), 'trace');
  assert.match(await helm('list'), /traffic-manager\s+\S+\s+7\s.*deployed/);
});

test('a peer’s manager is refused by name, and lived beside where namespaces differ', async () => {
  const peer = 'e2e-peer';
  await using _made = await createNamespace(peer);
  const deployment = (more: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: traffic-manager, namespace: ${peer}, labels: { app: traffic-manager, telepresence: manager, 'helm.sh/chart': telepresence-2.20.2 } }
spec:
  replicas: 0
  selector: { matchLabels: { app: traffic-manager, telepresence: manager } }
  template:
    metadata: { labels: { app: traffic-manager, telepresence: manager } }
    spec: { containers: [{ name: traffic-manager, image: 'docker.io/datawire/tel2:2.20.2', env: [${more}] }] }
`;
  await apply(deployment(''));
  const upgrade = ['helm', 'upgrade', ...scope, ...image, '--reset-values'];
  assert.match(
    await fails(upgrade),
    /another product's traffic-manager in namespace e2e-peer \(image docker\.io\/datawire\/tel2:2\.20\.2\) serves all namespaces already\n.*helm uninstall traffic-manager -n e2e-peer/,
  );
  await apply(deployment(`{ name: MANAGED_NAMESPACES, value: 'one two' }`));
  await telepresence(upgrade, slow);
  // What the real helm has written before is no longer wanted.
  const text = await kubectl('-n', own, 'get', 'deployment/traffic-manager', '-o', 'yaml');
  assert.doesNotMatch(text, /by: helm|"logLevel":"trace"/);
  assert.match(
    await fails(['helm', 'install', '-n', peer]),
    /holds another product's traffic-manager/,
  );
});

test('the end of one of two leaves the other all it needs', async () => {
  const { stderr } = await telepresence(['helm', 'uninstall', '-n', own, '--no-hooks'], slow);
  assert.match(stderr, /another traffic-manager is in the cluster: what both use is left to it/);
  const left = await kubectl(
    '-n',
    own,
    'get',
    'deploy,svc,role,rolebinding,sa,secret,lease',
    '-o',
    'name',
  );
  assert.doesNotMatch(left, /traffic-manager|helm/);
  assert.doesNotMatch(await kubectl('-n', app, 'get', 'role,rolebinding', '-o', 'name'), /traffic/);
  await telepresence(['connect', '--namespace', 'demo'], { deadlineMs: 60_000 });
  assert.match((await telepresence(['list'])).stdout, /^hello /m);
});
