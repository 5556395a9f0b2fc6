// A cluster of both families, and a laptop that has IPv4 only: Services and pods by IPv6.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onCluster, onLaptop, telepresence } from './run.ts';
import { webApp } from './web-app.ts';

const namespace = 'e2e-dual-stack';
const resources = new AsyncDisposableStack();
let both: { readonly v4: string; readonly v6: string };
let six: string;
let podV6: string;

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(webApp({ namespace, name: 'web', replicas: 1 }));
  await apply(JSON.stringify(sixOnly));
  const spec = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] };
  const patch = ['-n', namespace, 'patch', 'service', 'web', '--type=merge'];
  await kubectl(...patch, '-p', JSON.stringify({ spec }));
  await rollOut(namespace);
  const [v4 = '', v6 = ''] = (await read('service', 'web', '{.spec.clusterIPs[*]}')).split(' ');
  both = { v4, v6 };
  six = await read('service', 'six', '{.spec.clusterIP}');
  podV6 = await secondAddress();
  await telepresence(['quit', '-s'], { mayFail: true });
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

/** A Service without an IPv4 address. */
const sixOnly = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name: 'six' },
  spec: {
    selector: { app: 'web' },
    ipFamilyPolicy: 'SingleStack',
    ipFamilies: ['IPv6'],
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  },
} as const;

async function read(kind: string, name: string, path: string): Promise<string> {
  return await kubectl('get', '-n', namespace, kind, name, '-o', `jsonpath=${path}`);
}

async function secondAddress(): Promise<string> {
  const pods = ['get', 'pods', '-n', namespace, '-l', 'app=web'];
  const newest = ['--sort-by=.metadata.creationTimestamp', '--field-selector=status.phase=Running'];
  const path = 'jsonpath={.items[-1:].status.podIPs[1].ip}';
  return await kubectl(...pods, ...newest, '-o', path);
}

async function curl(url: string, ...more: readonly string[]): Promise<string> {
  const argv = ['curl', '-sS', '--max-time', '5', '-g', ...more, url];
  const { status, stdout } = await onLaptop(argv, { mayFail: true });
  return status === 0 ? stdout.trim() : `status ${String(status)}`;
}

/** What another in the cluster is answered. */
async function askedInside(host: string): Promise<string> {
  const argv = ['curl', '-sS', '--max-time', '5', '-g', `http://${host}/`];
  return (await onCluster(argv, { mayFail: true })).stdout.trim();
}

test('the laptop has no address of IPv6 but its link’s', async () => {
  const { stdout } = await onLaptop(['ip', '-6', '-br', 'address', 'show', 'dev', 'eth0']);
  assert.doesNotMatch(stdout, /\s(?!fe80)[0-9a-f]+:/);
});

test('names have addresses of both families, or of the one there is', async () => {
  const addresses = async (database: string, name: string): Promise<string> =>
    (await onLaptop(['getent', database, name], { mayFail: true })).stdout.split(' ')[0] ?? '';
  assert.equal(await addresses('ahostsv4', 'web'), both.v4);
  assert.equal(await addresses('ahostsv6', 'web'), both.v6);
  assert.equal(await addresses('ahostsv6', `web.${namespace}.svc.cluster.local`), both.v6);
  assert.equal(await addresses('ahosts', 'six'), six);
  assert.equal(await addresses('hosts', both.v6), both.v6);
});

test('Services answer by both families, and refuse by both', async () => {
  assert.match(await curl('http://web/'), /^web-/);
  assert.match(await curl('http://web/', '-4'), /^web-/);
  assert.match(await curl('http://web/', '-6'), /^web-/);
  assert.match(await curl('http://six/'), /^web-/);
  assert.match(await curl(`http://[${both.v6}]/`), /^web-/);
  const refused = 'status 7';
  assert.equal(await curl(`http://[${both.v6}]:81/`), refused);
  assert.equal(await curl('http://six:81/'), refused);
});

test('a pod answers at its address: TCP, refused, ping', async () => {
  assert.match(await curl(`http://[${podV6}]:8080/`), /^web-/);
  assert.match(await curl(`http://[${podV6}]:8080/`), /^web-/);
  assert.equal(await curl(`http://[${podV6}]:1/`), 'status 7');
  const { stdout } = await onLaptop(['busybox', 'ping', '-6', '-c', '1', '-W', '5', podV6]);
  assert.match(stdout, /1 packets received/);
});

test('an intercept takes both families, and gives both back', async () => {
  await using handler = await startHandler('the laptop');
  const args = ['intercept', 'web', '--service', 'web', '-p', `${String(handler.port)}:80`];
  await telepresence(args, { deadlineMs: 90_000 });
  podV6 = await secondAddress();
  const hosts = [both.v4, `[${both.v6}]`, `[${six}]`, `[${podV6}]:8080`];
  await eventually('everything is the laptop’s', 5000, async () => {
    for (const host of hosts) assert.equal(await askedInside(host), 'the laptop', host);
  });
  await telepresence(['leave', 'web']);
  await eventually('everything is the app’s', 5000, async () => {
    for (const host of hosts) assert.match(await askedInside(host), /^web-/, host);
  });
});

test('subnets of both families that this laptop has itself: virtual addresses of both', async () => {
  await telepresence(['quit']);
  const routes = [
    ['-4', '10.96.7.0/24'],
    ['-6', 'fd00:10:96::7:0/112'],
    ['-6', 'fd00:10:244::7:0/112'],
  ] as const;
  // Whatever fails here: these routes are not for others.
  await using taken = new AsyncDisposableStack();
  for (const [family, route] of routes) {
    await onLaptop(['ip', family, 'route', 'add', route, 'dev', 'lo']);
    taken.defer(
      async () => void (await onLaptop(['ip', family, 'route', 'del', route, 'dev', 'lo'])),
    );
  }
  await telepresence(['connect', '--namespace', namespace]);
  const address = async (database: string): Promise<string> =>
    (await onLaptop(['getent', database, 'web'])).stdout.split(' ')[0] ?? '';
  assert.match(await address('ahostsv4'), /^246\.246\./);
  const v6 = await address('ahostsv6');
  // Of two runs of noughts the first is left out, and a longer one (RFC 5952, 4.2.3).
  assert.match(v6, /^fd00:(0:0|):246:/);
  assert.match(await curl('http://web/', '-4'), /^web-/);
  assert.match(await curl('http://web/', '-6'), /^web-/);
  assert.match(await curl('http://six/'), /^web-/);
  assert.equal(await curl('http://six:81/'), 'status 7');
  const { stdout } = await onLaptop(['getent', 'hosts', v6]);
  assert.match(stdout, new RegExp(`web\\.${namespace}\\.svc`));
  await telepresence(['quit', '-s']);
});

test('nothing of IPv6 is left', async () => {
  await telepresence(['quit', '-s']);
  const { stdout } = await onLaptop(['sh', '-c', 'ip -6 route show table all; nft list tables']);
  assert.doesNotMatch(stdout, /fd00|fd74|telepresence/);
});
