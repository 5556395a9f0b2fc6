/** UDP from the laptop: by address to pods and Services, from the agent where there is one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from './device/asking.ts';
import { startEcho } from './echo.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startUdpEcho } from './udp-echo.ts';

const namespace = 'e2e-udp';
const port = 7007;
const resources = new AsyncDisposableStack();
let server = '';

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name: 'echo' },
  spec: { selector: { role: 'echo' }, ports: [{ port: 77, targetPort: port, protocol: 'UDP' }] },
};

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  const objects = [
    idlePod(namespace, 'server'),
    helloApp({ namespace, name: 'hello' }),
    JSON.stringify(service),
  ];
  await apply(objects.join('\n---\n'));
  await rollOut(namespace);
  server = await readyPod(namespace, 'server');
  await kubectl('label', '-n', namespace, 'pod/server', 'role=echo');
  resources.use(await startUdpEcho(server, port));
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

async function addressOf(...selection: readonly string[]): Promise<string> {
  const found = ['get', 'pods', ...selection, '-o', 'jsonpath={.items[*].status.podIP}'];
  return await kubectl(...found);
}

test('datagrams of any size reach a pod from the manager, and a Service', async () => {
  const managers = await addressOf('-n', 'ambassador', '-l', 'app=traffic-manager');
  for (const bytes of [1, 1400, 9000, 60_000]) {
    const [answer] = await ask(['udp', server, port, 1, bytes]);
    const [length, from = 'nobody'] = answer?.outcome.split(' ') ?? [];
    assert.equal(length, String(bytes));
    assert.ok(managers.split(' ').includes(from), `${from} is not of ${managers}`);
  }
  const clusterIp = ['get', '-n', namespace, 'service/echo', '-o', 'jsonpath={.spec.clusterIP}'];
  const [answer] = await ask(['udp', await kubectl(...clusterIp), 77]);
  assert.match(answer?.outcome ?? '', /^5 10\.244\./);
  console.log('round trips:', await ask(['udp', server, port, 5]));
});

test('a closed port is refused', async () => {
  const outcomes = await ask(['udp', server, 9, 2]);
  for (const { outcome } of outcomes) assert.equal(outcome, 'ECONNREFUSED');
});

test("the cluster's DNS answers by UDP at its own address", async () => {
  const look = `const dns = new (require('node:dns').Resolver)({ timeout: 5000 });
    dns.setServers(['10.96.0.10']);
    dns.resolve4('hello.${namespace}.svc.cluster.local', (error, found) => console.log(error?.code, found?.join()));`;
  const { stdout } = await onLaptop([process.execPath, '-e', look]);
  assert.match(stdout, /^undefined 10\.96\./);
});

test('with an agent in the namespace it is the agent that sends', async () => {
  await using _echo = await startEcho({ port: 9000, text: 'laptop' });
  await telepresence(['intercept', 'hello', '--port', '9000']);
  const agents = await addressOf('-n', namespace, '-l', 'app=hello');
  const [answer] = await ask(['udp', server, port]);
  const [, from = 'nobody'] = answer?.outcome.split(' ') ?? [];
  assert.ok(agents.split(' ').includes(from), `${from} is not of ${agents}`);
  const { stdout } = await onLaptop(['busybox', 'ping', '-c', '1', '-W', '5', server]);
  assert.match(stdout, /1 packets received/);
  await telepresence(['leave', 'hello']);
});
