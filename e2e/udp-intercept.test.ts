// UDP intercepts, beside TCP ones of the same number: a DNS server as its authors ship it.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { failBack } from './fail-back.ts';
import { signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, inPodNetwork, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, telepresence } from './run.ts';
import { dnsApp, dnsPorts, namedDnsPorts } from './udp/dns-app.ts';
import { startDnsHandler, type DnsHandler } from './udp/dns-handler.ts';
import { startDnsLoop, tally, type Asked } from './udp/dns-loop.ts';

const namespace = 'e2e-udp-intercept';
const annotation = 'telepresence.getambassador.io/inject-container-ports';
const resources = new AsyncDisposableStack();
let handler: DnsHandler;
let client = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  handler = resources.use(await startDnsHandler('both'));
  const [udp] = dnsPorts;
  await apply(
    [
      idlePod(namespace, 'client'),
      dnsApp({ namespace, name: 'dns', services: { dns: dnsPorts } }),
      dnsApp({ namespace, name: 'alone', services: { alone: [udp] }, headless: true }),
      dnsApp({
        namespace,
        name: 'no-svc',
        services: {},
        annotations: { [annotation]: '5353/UDP' },
      }),
    ].join('\n---\n'),
  );
  await rollOut(namespace);
  client = await readyPod(namespace, 'client');
  await telepresence(['connect', '--namespace', namespace]);
});
afterEach(async () => {
  await kubectl('delete', '-n', namespace, `intercepts.${group}`, '--all', '--wait');
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

/** Who answers three questions of a pod. */
async function answers(protocol: 'udp' | 'tcp', host: string, port = 53): Promise<string> {
  const program = new URL('udp/ask-once.client.ts', import.meta.url).pathname;
  const words = [process.execPath, program, protocol, host, String(port), '3'];
  const { stdout } = await inPodNetwork(client, words);
  const [first = '', ...others] = stdout.trim().split('\n');
  return others.every((one) => one === first) ? first : stdout;
}

async function intercept(...args: readonly string[]): Promise<string> {
  const told = await telepresence(['intercept', ...args], { deadlineMs: 90_000 });
  assert.equal(told.stderr, '');
  return told.stdout;
}

async function refused(args: readonly string[], says: RegExp): Promise<void> {
  const { status, stderr } = await telepresence(['intercept', ...args], { mayFail: true });
  assert.match(stderr, says);
  assert.equal(status, 1);
}

const port = (): string => String(handler.port);

test('UDP of a Service by its name; TCP of the same number stays with the app', async () => {
  const at = await clusterIp(namespace, 'dns');
  assert.equal(await answers('udp', at), 'app');
  await refused(['dns', '--port', port()], /has several ports: dns \(53\/UDP\), dns-tcp \(53\)\n/);
  const stdout = await intercept('dns', '--port', `${port()}:dns`);
  const block = new Set(stdout.split('\n').map((line) => line.trim().replace(/ *: /, ': ')));
  for (const line of [
    'Using Deployment dns',
    `Destination: 127.0.0.1:${port()}`,
    'Service Port Identifier: dns',
    'Intercepting: all UDP datagrams',
  ]) {
    assert.ok(block.has(line), stdout);
  }
  assert.equal(await answers('udp', at), 'laptop');
  assert.equal(await answers('tcp', at), 'app');
  const { stdout: listed } = await telepresence(['list', '--intercepts']);
  assert.match(listed, /Intercepting +: all UDP datagrams/);
  await telepresence(['leave', 'dns']);
  assert.equal(await answers('udp', at), 'app');
});

test('UDP and TCP of one number, each to the same port of the laptop; one leaves, the other stays', async () => {
  const at = await clusterIp(namespace, 'dns');
  await intercept('by-udp', '-w', 'dns', '--port', `${port()}:53/UDP`);
  await intercept('by-tcp', '-w', 'dns', '--port', `${port()}:53`);
  assert.equal(await answers('udp', at), 'laptop');
  assert.equal(await answers('tcp', at), 'laptop');
  await refused(
    ['more', '-w', 'alone', '--port', port()],
    /port \d+ of this machine already serves the intercept by-udp/,
  );
  const { stdout } = await telepresence(['list', '--intercepts', '--output', 'json']);
  assert.deepEqual(stdout.match(/(?<="protocol": ?")\w+/g)?.toSorted(), ['TCP', 'UDP']);
  await telepresence(['leave', 'by-udp']);
  assert.equal(await answers('udp', at), 'app');
  assert.equal(await answers('tcp', at), 'laptop');
});

test('a headless Service; without a Service by the annotation `5353/UDP`', async () => {
  await intercept('alone', '--port', port());
  const path = '{range .items[*]}{.metadata.deletionTimestamp}{"|"}{.status.podIP}{" "}{end}';
  const pods = ['get', 'pods', '-n', namespace, '-l', 'app=alone', '-o', `jsonpath=${path}`];
  // The pod before may still be on its way out.
  const at =
    (await kubectl(...pods))
      .split(' ')
      .find((one) => /^\|./.test(one))
      ?.slice(1) ?? '';
  assert.equal(await answers('udp', at, 5353), 'laptop');
  assert.equal(await answers('tcp', at, 5353), 'app');
  await telepresence(['leave', 'alone']);
  assert.equal(await answers('udp', at, 5353), 'app');

  const stdout = await intercept('no-svc', '--port', port());
  const address = /^ +Address +: (\S+):5353$/m.exec(stdout)?.[1] ?? '';
  assert.match(stdout, /Intercepting +: all UDP datagrams/);
  assert.equal(await answers('udp', address, 5353), 'laptop');
});

test('Pod Security restricted: a port with a name', async () => {
  const where = 'e2e-udp-restricted';
  await using _made = await createNamespace(where);
  await kubectl('label', 'namespace', where, 'pod-security.kubernetes.io/enforce=restricted');
  await apply(dnsApp({ namespace: where, name: 'dns', services: { dns: namedDnsPorts } }));
  await rollOut(where);
  await telepresence(['quit']);
  await telepresence(['connect', '--namespace', where]);
  try {
    await intercept('dns', '--port', `${port()}:dns`);
    const at = await clusterIp(where, 'dns');
    assert.equal(await answers('udp', at), 'laptop');
    assert.equal(await answers('tcp', at), 'app');
    await telepresence(['leave', 'dns']);
    assert.equal(await answers('udp', at), 'app');
  } finally {
    await telepresence(['quit']);
    await telepresence(['connect', '--namespace', namespace]);
  }
});

/**
 * Nobody else's than theirs: but a laptop that is starved for 250 ms is held for silent, and the app
 * answers whoever comes then.
 */
function mostly(who: string, asked: readonly Asked[]): string {
  const counts = tally(asked, 'laptop', 'app', 'lost');
  const others = asked.filter(({ answer }) => answer !== who).length;
  assert.ok(others <= asked.length / 5, counts);
  return counts;
}

test('a pod that goes on asking by one socket: each switch, and a laptop that is killed', async () => {
  const at = await clusterIp(namespace, 'dns');
  await using loop = await startDnsLoop(client, [at, 53, 10]);
  for (let round = 0; round < 2; round += 1) {
    const began = Date.now();
    await intercept('dns', '--port', `${port()}:dns`);
    const taken = Date.now();
    await answers('udp', at);
    const leaving = Date.now();
    await telepresence(['leave', 'dns']);
    const given = Date.now();
    await answers('udp', at);
    const ended = Date.now();
    console.log(`round ${String(round)}:`, {
      taking: tally(await loop.asked(began, taken), 'app', 'laptop', 'lost'),
      taken: mostly('laptop', await loop.asked(taken, leaving)),
      leaving: tally(await loop.asked(leaving, given), 'app', 'laptop', 'lost'),
      given: tally(await loop.asked(given, ended), 'app', 'lost'),
    });
  }
  await intercept('dns', '--port', `${port()}:dns`);
  const since = Date.now();
  await signalDaemon('user-daemon', 'KILL');
  const tookMs = await failBack('user daemon killed', { since, namespace, agents: 1, app: 'dns' });
  const known = Date.now();
  const asked = await loop.asked(since, known + 500);
  const lost = asked.filter(({ answer }) => answer === 'lost');
  console.log('killed:', tally(asked, 'app', 'laptop', 'lost'), {
    lastLostAfterMs: Math.max(0, ...lost.map(({ at: when }) => when - since)),
    tookMs,
  });
  tally(await loop.asked(known, known + 500), 'app', 'lost');
  assert.ok(tookMs < 10_000);
});
