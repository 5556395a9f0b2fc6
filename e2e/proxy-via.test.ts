/** `--proxy-via`: what goes to a subnet leaves from a pod of the workload that was named. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ask } from './device/asking.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, inPodNetwork, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startUdpEcho } from './udp-echo.ts';
import { createUser, grant, grantRules } from './user.ts';

const namespace = 'e2e-proxy-via';
const udpPort = 7007;
/** An address that only the pod has to which it is given. */
const island = '10.244.0.250';
const resources = new AsyncDisposableStack();
let server = '';

const services = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: 'island' },
    spec: { clusterIP: 'None', ports: [{ port: 8080 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name: 'island', labels: { 'kubernetes.io/service-name': 'island' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [island], conditions: { ready: true } }],
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: 'echo' },
    spec: { clusterIP: 'None', selector: { role: 'echo' }, ports: [{ port: 77 }] },
  },
].map((object) => JSON.stringify(object));

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  const apps = ['gate', 'other'].map((name) => helloApp({ namespace, name }));
  await apply([...apps, idlePod(namespace, 'server'), ...services].join('\n---\n'));
  await rollOut(namespace);
  server = await readyPod(namespace, 'server');
  await kubectl('label', '-n', namespace, 'pod/server', 'role=echo');
  resources.use(await startUdpEcho(server, udpPort));
});
afterEach(async () => {
  await telepresence(['quit'], { mayFail: true });
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

async function connect(...argv: readonly string[]): Promise<void> {
  await telepresence(['connect', '-n', namespace, ...argv], { deadlineMs: 90_000 });
}

/** The address of a workload's pod once it is all there. */
async function podOf(app: string): Promise<string> {
  await rollOut(namespace);
  const path = 'jsonpath={.items[*].status.podIP}';
  const running = ['--field-selector', 'status.phase=Running', '-l', `app=${app}`, '-o', path];
  const addresses = (await kubectl('get', 'pods', '-n', namespace, ...running)).trim().split(' ');
  assert.equal(addresses.length, 1, addresses.join());
  return addresses[0] ?? '';
}

async function addressOf(name: string): Promise<string> {
  const { stdout } = await onLaptop(['getent', 'ahostsv4', name], { mayFail: true });
  return stdout.split(' ')[0] ?? '';
}

test('a workload without an agent gets one, and what only its pod reaches is reached', async () => {
  await connect('--proxy-via', '10.244.0.248/29=gate');
  const gate = await podOf('gate');
  await inPodNetwork(gate, ['ip', 'addr', 'add', `${island}/32`, 'dev', 'lo']);
  await using _echo = await startUdpEcho(gate, 7008, island);
  assert.match(await addressOf('island'), /^246\.246\.0\.250$/);
  const curl = ['curl', '-sS', '--max-time', '10', 'http://island:8080/'];
  assert.match((await onLaptop(curl)).stdout, /^app gate-\S+ 8080/);
  assert.match((await ask(['udp', 'island', 7008]))[0]?.outcome ?? '', /^5 /);
  assert.equal((await ask(['tcp', 'island', 1]))[0]?.outcome, 'ECONNREFUSED');
  const status = (await telepresence(['status'])).stdout;
  assert.match(status, /- 10\.244\.0\.248\/29 as 246\.246\.0\.0\/16 \(via gate\)/);
  // Its agent is not taken away while it is used.
  const uninstall = await telepresence(['uninstall', 'gate'], { mayFail: true });
  assert.match(uninstall.stderr, /gate is used by \S+ \(connect --proxy-via\)/);
  await telepresence(['quit']);

  // From another workload, the agent in the first notwithstanding, it is not.
  await connect('--proxy-via', '10.244.0.248/29=other');
  assert.notEqual((await ask(['tcp', 'island', 8080]))[0]?.outcome, 'open');
});

test('a word for subnets: every flow leaves from that workload', async () => {
  await connect('--proxy-via', 'pods=other');
  const other = await podOf('other');
  assert.match(await addressOf('echo'), /^246\.246\./);
  for (const host of ['echo', 'echo', server]) {
    assert.equal((await ask(['udp', host, udpPort]))[0]?.outcome, `5 ${other}`, host);
  }
  await telepresence(['quit']);
  await connect('--proxy-via', 'all=gate');
  assert.equal((await ask(['udp', 'echo', udpPort]))[0]?.outcome, `5 ${await podOf('gate')}`);
  assert.match(await addressOf('gate'), /^246\.246\./);
});

test('mistakes, and who may not', async () => {
  const fails = async (argv: readonly string[], pattern: RegExp, kubeconfig = 'admin') => {
    const failed = await telepresence(['connect', '-n', namespace, ...argv], {
      mayFail: true,
      kubeconfig,
    });
    assert.equal(failed.status, 1, failed.stdout);
    assert.match(failed.stderr, pattern);
  };
  await fails(['--proxy-via', 'pods'], /it is CIDR=WORKLOAD/);
  await fails(['--proxy-via', 'pods=gaet'], /no Deployment.* named gaet .*did you mean gate/);
  await fails(
    ['--proxy-via', '192.168.77.0/24=gate'],
    /agents dial nothing there.*\n.*alsoProxySubnets=\{192\.168\.77\.0\/24\}/,
  );
  const carol = await createUser('carol');
  const connections = {
    apiGroups: ['intercept.telepresence.io'],
    resources: ['connections'],
    verbs: ['create', 'get', 'list', 'watch', 'delete'],
  };
  await grantRules(namespace, [connections], [carol]);
  await grant('ambassador', { kind: 'Role', name: 'traffic-manager-tunnel' }, [carol]);
  await fails(['--proxy-via', 'pods=gate'], /create.*intercepts/, 'carol');
  // Neither by writing the object herself.
  const spec = {
    user: 'carol',
    client: 'carol@e2e',
    installId: 'e2e',
    publicKey: `${'A'.repeat(43)}=`,
  };
  const manifest = (more: object): string =>
    JSON.stringify({
      apiVersion: 'intercept.telepresence.io/v1alpha1',
      kind: 'Connection',
      metadata: { namespace, name: 'carol' },
      spec: { ...spec, ...more },
    });
  const create = ['create', '--dry-run=server', '-f', '-'];
  const forged = await carol.kubectl(create, { input: manifest({ via: ['gate'] }) });
  assert.match(forged.stderr, /spec\.via needs the right to create intercepts/);
  assert.equal((await carol.kubectl(create, { input: manifest({}) })).status, 0);
});
