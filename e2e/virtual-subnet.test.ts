/**
 * A laptop whose own network has addresses of the cluster's subnets: it keeps them, and knows the
 * cluster's by virtual ones.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { ask } from './device/asking.ts';
import { startEcho } from './echo.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startUdpEcho } from './udp-echo.ts';

const namespace = 'e2e-virtual';
const udpPort = 7007;
const resources = new AsyncDisposableStack();
/** The office network, with a server of its own in a subnet of the cluster's. */
const office = 'office0';
let directory = '';
let before0 = '';

const objects = [
  {
    metadata: { namespace, name: 'echo' },
    spec: {
      selector: { role: 'echo' },
      ports: [{ port: 77, targetPort: udpPort, protocol: 'UDP' }],
    },
  },
  {
    metadata: { namespace, name: 'pods' },
    spec: { clusterIP: 'None', selector: { role: 'echo' }, ports: [{ port: 80 }] },
  },
].map((service) => JSON.stringify({ apiVersion: 'v1', kind: 'Service', ...service }));

before(async () => {
  await prepare();
  directory = await mkdtemp(join(tmpdir(), 'telepresence-virtual-'));
  await mkdir(join(directory, 'telepresence'));
  resources.use(await createNamespace(namespace));
  await apply(
    [idlePod(namespace, 'server'), helloApp({ namespace, name: 'hello' }), ...objects].join(
      '\n---\n',
    ),
  );
  await rollOut(namespace);
  const server = await readyPod(namespace, 'server');
  await kubectl('label', '-n', namespace, 'pod/server', 'role=echo');
  resources.use(await startUdpEcho(server, udpPort));
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['ip', 'link', 'add', office, 'type', 'veth', 'peer', 'name', `${office}-far`]);
  await onLaptop(['ip', 'link', 'set', office, 'up']);
  await onLaptop(['ip', 'link', 'set', `${office}-far`, 'up']);
  before0 = await networkOfLaptop();
});
afterEach(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['ip', '-4', 'addr', 'flush', 'dev', office]);
  assert.equal(await networkOfLaptop(), before0, 'quit leaves all as it was');
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['ip', 'link', 'del', office], { mayFail: true });
  await resources.disposeAsync();
  await rm(directory, { recursive: true, force: true });
});

async function networkOfLaptop(): Promise<string> {
  const look = `ip -o -4 addr | grep -v ' lo ' | sed 's/ *valid_lft.*//'; ip route show table all | grep -v ${office} | sort; nft --stateless list ruleset; cat /etc/resolv.conf`;
  return (await onLaptop(['sh', '-c', look])).stdout;
}

async function addressOf(name: string): Promise<string> {
  const { stdout } = await onLaptop(['getent', 'ahostsv4', name], { mayFail: true });
  return stdout.split(' ')[0] ?? '';
}

async function fetchText(url: string): Promise<string> {
  return (await onLaptop(['curl', '-sS', '--max-time', '10', url])).stdout.trim();
}

async function connect(argv: readonly string[] = [], env: Record<string, string> = {}) {
  return await telepresence(['connect', '-n', namespace, ...argv], { env });
}

test('a route in the Service subnet: the office keeps its server, the cluster has its names', async () => {
  await onLaptop(['ip', 'addr', 'add', '10.96.7.1/24', 'dev', office]);
  await using _server = await startEcho({ port: 8090, text: 'the office', host: '10.96.7.1' });
  await connect();
  assert.equal(await fetchText('http://10.96.7.1:8090/'), 'the office');
  const shown = await addressOf('hello');
  assert.match(shown, /^246\.246\./);
  assert.equal(await addressOf(`hello.${namespace}`), shown, 'the same by any name');
  assert.match(await fetchText('http://hello/'), /^app hello-/);
  assert.match(await fetchText(`http://hello.${namespace}.svc.cluster.local/`), /^app hello-/);
  assert.equal((await ask(['tcp', 'hello', 81]))[0]?.outcome, 'ECONNREFUSED');
  assert.match((await ask(['udp', 'echo', 77]))[0]?.outcome ?? '', /^5 10\.244\./);
  const { stdout: names } = await onLaptop(['getent', 'hosts', shown]);
  assert.match(names, new RegExp(`hello\\.${namespace}\\.svc\\.cluster\\.local`));
  const nobodys = (await ask(['tcp', '246.246.255.250', 80]))[0]?.outcome;
  assert.equal(nobodys, 'EHOSTUNREACH');
  // Pods are where they are, and the API server too.
  assert.match(await addressOf('pods'), /^10\.244\./);
  const { stdout: nodes } = await onLaptop(['kubectl', 'get', 'nodes', '-o', 'name']);
  assert.match(nodes, /^node\//);
  const status = (await telepresence(['status'])).stdout;
  assert.match(
    status,
    /Virtual Subnets\s*: \(1 subnets\)\s+- 10\.96\.0\.0\/16 as 246\.246\.0\.0\/16 \(overlaps with the route 10\.96\.7\.0\/24 dev office0/,
  );
  assert.doesNotMatch(status, /^ {2}Subnets *:.*\n(?: +- .*\n)* +- 10\.96\.0\.0\/16$/m);
  const object: unknown = JSON.parse((await telepresence(['status', '--output', 'json'])).stdout);
  assert.match(JSON.stringify(object), /"virtual_subnets":\[\{"subnet":"10\.96\.0\.0\/16"/);
  assert.equal((await connect()).stdout, '', 'again is the same connection');
});

test('a route in the pod subnet: TCP, UDP and pings by virtual addresses', async () => {
  await onLaptop(['ip', 'addr', 'add', '10.244.0.241/28', 'dev', office]);
  await using _server = await startEcho({ port: 8090, text: 'the office', host: '10.244.0.241' });
  await connect();
  assert.equal(await fetchText('http://10.244.0.241:8090/'), 'the office');
  const shown = await addressOf('pods');
  assert.match(shown, /^246\.246\./);
  assert.match((await ask(['udp', 'pods', udpPort]))[0]?.outcome ?? '', /^5 10\.244\./);
  assert.equal((await ask(['udp', 'pods', 9, 2]))[1]?.outcome, 'ECONNREFUSED');
  const refused = await ask(['tcp', 'pods', 1, 2]);
  for (const { outcome } of refused) assert.equal(outcome, 'ECONNREFUSED');
  const { stdout } = await onLaptop(['busybox', 'ping', '-c', '2', '-W', '5', shown]);
  assert.match(stdout, /2 packets received/);
  // Services are where they are.
  assert.match(await addressOf('hello'), /^10\.96\./);
  assert.match(await fetchText('http://hello/'), /^app hello-/);
});

test('a VPN that comes later, and all of 10.0.0.0/8', async () => {
  await connect();
  assert.match(await addressOf('hello'), /^10\.96\./);
  await onLaptop(['ip', 'addr', 'add', '10.99.0.1/8', 'dev', office]);
  await using _server = await startEcho({ port: 8090, text: 'the office', host: '10.99.0.1' });
  await eventually('names are virtual', 15_000, async () => {
    assert.match(await addressOf('hello'), /^246\.246\./);
    assert.match(await addressOf('pods'), /^246\.246\./);
  });
  assert.match(await fetchText('http://hello/'), /^app hello-/);
  assert.equal(await fetchText('http://10.99.0.1:8090/'), 'the office');
  const { stdout: route } = await onLaptop(['ip', 'route', 'get', '10.96.0.10']);
  assert.match(route, /dev office0/);
  assert.match((await telepresence(['status'])).stdout, /Virtual Subnets\s*: \(2 subnets\)/);
});

test('what the user says: --vnat, another virtual subnet, a conflict that is allowed or refused', async () => {
  const config = { XDG_CONFIG_HOME: directory };
  const write = async (routing: object): Promise<void> => {
    await writeFile(join(directory, 'telepresence', 'config.yml'), JSON.stringify({ routing }));
  };
  await write({ virtualSubnet: '100.64.32.0/20' });
  await connect(['--vnat', 'service'], config);
  assert.match(await addressOf('hello'), /^100\.64\.(3[2-9]|4[0-7])\./);
  assert.match(await addressOf('pods'), /^10\.244\./);
  assert.match(await fetchText('http://hello/'), /^app hello-/);
  const view = (await telepresence(['config', 'view'], { env: config })).stdout;
  assert.match(view, /virtualSubnet: 100\.64\.32\.0\/20/);
  await telepresence(['quit']);

  await onLaptop(['ip', 'addr', 'add', '10.96.7.1/24', 'dev', office]);
  await connect(['--allow-conflicting-subnets', '10.96.0.0/16']);
  assert.match(await addressOf('hello'), /^10\.96\./);
  await telepresence(['quit']);

  const fails = async (pattern: RegExp): Promise<void> => {
    const failed = await telepresence(['connect', '-n', namespace], { mayFail: true, env: config });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, pattern);
  };
  await write({ autoResolveConflicts: false });
  await fails(/subnet 10\.96\.0\.0\/16 overlaps with the route .*10\.96\.7\.0\/24.*\n.*--vnat/);
  await write({ virtualSubnet: '10.96.7.0/26' });
  await fails(/the virtual subnet 10\.96\.7\.0\/26 overlaps with .*\n.*routing\.virtualSubnet/);
});
