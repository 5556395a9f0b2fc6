// A laptop whose names systemd-resolved answers, as on most desktops: the real daemon of Debian.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { secondLaptop } from '../playground/addresses.ts';
import { ensureLaptop } from '../playground/laptops.ts';
import { startResolved, type RunningResolved } from '../playground/resolved.ts';
import { settingsFrom } from '../playground/settings.ts';
import { eventually } from './eventually.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, onLaptop, telepresence } from './run.ts';
import { webApp } from './web-app.ts';

const namespace = 'attack-resolved';
const laptop = { laptop: 2 } as const;
const { layout } = settingsFrom(process.env);
const resources = new AsyncDisposableStack();
let resolved: RunningResolved;
let webIp: string;
let untouched: string;

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  resources.use(await createNamespace('dev'));
  await apply(webApp({ namespace, name: 'web', replicas: 1 }));
  await rollOut(namespace);
  webIp = await clusterIp(namespace, 'web');
  const signal = AbortSignal.timeout(120_000);
  const machine = await ensureLaptop(layout, secondLaptop, signal);
  await telepresence(['quit', '-s'], { ...laptop, mayFail: true });
  resolved = resources.use(await startResolved({ layout, env: process.env }, machine, signal));
  untouched = await configuration();
  await connect();
});
after(async () => {
  await telepresence(['quit', '-s'], { ...laptop, mayFail: true });
  await resources.disposeAsync();
});

async function connect(): Promise<void> {
  await telepresence(['connect', '--namespace', namespace], laptop);
}

/** What systemd-resolved does at each link, and what it tells other programs. */
async function configuration(): Promise<string> {
  const looks = ['dns', 'domain', 'default-route', 'llmnr', 'mdns', 'dnssec', 'dnsovertls'];
  const script = `for what in ${looks.join(' ')}; do echo "$what"; "$RESOLVECTL" "$what"; done
    cat /run/systemd/resolve/resolv.conf /etc/resolv.conf; ls /run/systemd/resolve/netif; ip -br addr`;
  const env = { RESOLVECTL: resolved.resolvectl };
  return (await onLaptop(['sh', '-c', script], { ...laptop, env })).stdout;
}

async function isUntouched(): Promise<void> {
  assert.equal(await configuration(), untouched);
}

async function query(...args: readonly string[]): Promise<string> {
  const argv = ['timeout', '8', resolved.resolvectl, '--legend=no', 'query', ...args];
  return (await onLaptop(argv, { ...laptop, mayFail: true })).stdout;
}

/** By the C library: through nss-resolve, or by asking the stub on port 53. */
async function getent(name: string, by: 'nss' | 'stub'): Promise<string> {
  const env = { LD_LIBRARY_PATH: by === 'nss' ? resolved.libraries : '' };
  const argv = ['timeout', '8', 'getent', 'ahostsv4', name];
  return (await onLaptop(argv, { ...laptop, env, mayFail: true })).stdout.split(' ')[0] ?? '';
}

async function clusterNamesWork(): Promise<void> {
  assert.match(
    await query('-4', `web.${namespace}.svc.cluster.local`),
    new RegExp(`: ${webIp}\\b`),
  );
  assert.equal(await getent('web', 'stub'), webIp);
}

test('names of the cluster, by each way that programs have', async () => {
  const names = [
    'web',
    `web.${namespace}`,
    `web.${namespace}.svc`,
    `web.${namespace}.svc.cluster.local`,
  ];
  for (const name of names) {
    assert.match(await query('-4', name), new RegExp(`: ${webIp}\\b`), name);
    assert.equal(await getent(name, 'nss'), webIp, `${name} by nss-resolve`);
    assert.equal(await getent(name, 'stub'), webIp, `${name} by the stub`);
  }
  const page = await onLaptop(['curl', '-sS', '--max-time', '5', 'http://web/'], laptop);
  assert.match(page.stdout, /^web-/);
  assert.match(
    await query('--type=SRV', `_http._tcp.web.${namespace}.svc.cluster.local`),
    / 80 web\./,
  );
  assert.match(await query(webIp), new RegExp(`web\\.${namespace}\\.svc\\.cluster\\.local`));
});

test('only these come to us: its link, and no redirection', async () => {
  const { stdout } = await onLaptop([resolved.resolvectl, '--no-pager', 'status', 'tel0'], laptop);
  assert.match(stdout, /Current Scopes: DNS$/m);
  assert.match(stdout, /-DefaultRoute -LLMNR -mDNS -DNSOverTLS DNSSEC=no/);
  assert.match(stdout, /~cluster\.local/);
  const rules = await onLaptop(['nft', 'list', 'ruleset'], laptop);
  assert.match(rules.stdout, /@routed4/);
  assert.doesNotMatch(rules.stdout, /names_alive/);
  // Connections begin at the laptop's own address, although the device has one now.
  const route = await onLaptop(['ip', 'route', 'get', webIp], laptop);
  assert.match(route.stdout, /dev tel0 src 198\.18\./);
});

test('the world outside is asked as before, below a namespace of its name too', async () => {
  for (const name of ['outside.example.com', 'www.outside.test', 'web.dev']) {
    assert.match(await query('-4', name), /: 203\.0\.113\.10\b/, name);
    assert.equal(await getent(name, 'nss'), '203.0.113.10', name);
    assert.equal(await getent(name, 'stub'), '203.0.113.10', name);
  }
  assert.equal(await getent('nowhere.example.com', 'stub'), '');
  assert.equal(await getent(`nowhere.${namespace}.svc.cluster.local`, 'nss'), '');
});

test('systemd-resolved is restarted, and forgets everything', async () => {
  await resolved.restart();
  await eventually('names after a restart', 15_000, clusterNamesWork);
  await onLaptop([resolved.resolvectl, 'revert', 'tel0'], laptop);
  await eventually('names after they were taken from us', 15_000, clusterNamesWork);
});

test('quit, and kill -9 of the root daemon, leave it as it was', async () => {
  await telepresence(['quit'], laptop);
  await isUntouched();
  await connect();
  await clusterNamesWork();
  const { stdout } = await onLaptop(['pgrep', '-f', 'root-daemon.* --socket '], laptop);
  await onLaptop(['kill', '-KILL', ...stdout.trim().split('\n')], laptop);
  await eventually('nothing is left', 5000, isUntouched);
  assert.equal(await getent('outside.example.com', 'stub'), '203.0.113.10');
  await connect();
  await eventually('names, connected again', 5000, clusterNamesWork);
  await telepresence(['quit', '-s'], laptop);
  await isUntouched();
});
