/**
 * TCP and pings to addresses of pods from the laptop: what a program sees there is what it would see
 * in a pod, and a connection is not accepted before it is known to be.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from './device/asking.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';

const namespace = 'e2e-pod-addresses';
const resources = new AsyncDisposableStack();
let client = '';
let hello = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(
    [idlePod(namespace, 'client'), helloApp({ namespace, name: 'hello' })].join('\n---\n'),
  );
  await rollOut(namespace);
  client = await readyPod(namespace, 'client');
  const selected = ['get', 'pods', '-n', namespace, '-l', 'app=hello'];
  hello = await kubectl(...selected, '-o', 'jsonpath={.items[0].status.podIP}');
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

test('open, refused and unreachable are on the laptop what they are in a pod', async () => {
  const nobody = '10.244.0.254';
  for (const [host, port] of [
    [hello, 8080],
    [hello, 1],
    [nobody, 80],
  ] as const) {
    const [inPod] = await ask(['tcp', host, port], { podIp: client });
    const onLaptopTwice = await ask(['tcp', host, port, 2]);
    console.log(`${host}:${String(port)}`, inPod, onLaptopTwice);
    for (const { outcome } of onLaptopTwice) assert.equal(outcome, inPod?.outcome);
  }
});

test('two hundred first connections at once are all answered', async () => {
  const loop = `for i in $(seq 200); do curl -sS -o /dev/null --max-time 60 -w '%{http_code}\\n' http://${hello}:8081/ & done; wait`;
  const { stdout } = await onLaptop(['sh', '-c', loop], { deadlineMs: 120_000 });
  assert.deepEqual(new Set(stdout.trim().split('\n')), new Set(['200']));
  assert.equal(stdout.trim().split('\n').length, 200);
});

test('ping: a pod answers, an address without one does not', async () => {
  const { stdout } = await onLaptop(['busybox', 'ping', '-c', '2', '-W', '5', hello]);
  assert.match(stdout, /2 packets transmitted, 2 packets received/);
  const nobody = ['busybox', 'ping', '-c', '1', '-W', '1', '10.244.0.254'];
  const { status, stdout: said } = await onLaptop(nobody, { mayFail: true });
  assert.equal(status, 1);
  assert.match(said, /0 packets received/);
});

test('what is never proxied is neither routed nor tried', async () => {
  await telepresence(['quit']);
  await telepresence(['connect', '--namespace', namespace, '--never-proxy', `${hello}/32`]);
  const routeTo = async (address: string): Promise<string> =>
    (await onLaptop(['ip', 'route', 'get', address])).stdout;
  assert.doesNotMatch(await routeTo(hello), /tel0/);
  assert.match(await routeTo(client), /dev tel0/);
  assert.notEqual((await ask(['tcp', hello, 8080]))[0]?.outcome, 'open');
});

test('without the daemons there is no device and no route', async () => {
  await telepresence(['quit', '-s']);
  const { stdout } = await onLaptop(['sh', '-c', 'ip -o link; ip route']);
  assert.doesNotMatch(stdout, /tel0/);
});
