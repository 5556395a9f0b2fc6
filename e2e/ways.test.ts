// What stands between a laptop and its API server: proxies, access proxies, a control plane that
// does not reach pods, and what is no API server at all.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { addresses, firstLaptop, frontPorts, ports } from '../playground/addresses.ts';
import { kubeconfigPath, writeKubeconfig } from '../playground/kubeconfig.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { blockPods, unblockPods } from '../playground/pod-block.ts';
import { settingsFrom } from '../playground/settings.ts';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { clusterWorks } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { kubectl, telepresence, type RunOptions } from './run.ts';

const { layout } = settingsFrom(process.env);
const signal = AbortSignal.timeout(600_000);
const state = join(layout.state, firstLaptop.name, 'home', '.local', 'state', 'telepresence');
const proxy = `http://${addresses.gateway}:${String(frontPorts.proxy)}`;

before(async () => {
  await prepare();
  await forget();
  // The daemons start, so that only connections are measured.
  await connect({});
  await telepresence(['quit']);
});
afterEach(async () => {
  await telepresence(['quit'], { mayFail: true });
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await forget();
});

/** Nothing is known of which way works. */
async function forget(): Promise<void> {
  await rm(join(state, 'paths.json'), { force: true });
}

async function connect(options: RunOptions, ...flags: readonly string[]) {
  const began = performance.now();
  const args = ['connect', '--namespace', 'demo', ...flags];
  const result = await telepresence(args, { mayFail: true, ...options });
  const tookMs = Math.round(performance.now() - began);
  console.log(`${options.kubeconfig ?? 'admin'} ${flags.join(' ')}: ${String(tookMs)} ms`);
  return result;
}

async function transport(): Promise<string> {
  const { stdout } = await telepresence(['status']);
  return /^ +Transport +: ([a-z, -]+) \(/m.exec(stdout)?.[1] ?? stdout;
}

async function connectsBy(via: string, options: RunOptions, ...flags: readonly string[]) {
  const { status, stderr } = await connect(options, ...flags);
  assert.equal(status, 0, stderr);
  assert.equal(await transport(), via);
  await clusterWorks();
}

async function refuses(words: RegExp, options: RunOptions, ...flags: readonly string[]) {
  // How long it took is printed, not asserted: most of it is how busy this machine is.
  const { status, stderr } = await connect(options, ...flags);
  console.log(stderr.trim());
  assert.equal(status, 1);
  assert.match(stderr, words);
  // One sentence and the next step.
  assert.equal(stderr.trim().split('\n').length, 2, stderr);
}

/** An intercept takes every request, and gives them back. */
async function interceptWorks(): Promise<void> {
  await using handler = await startHandler('laptop');
  await telepresence(['intercept', 'hello', '--port', String(handler.port)]);
  const ask = 'for i in 1 2 3 4 5 6; do timeout 5 wget -qO- http://hello; done';
  const inside = ['exec', '-n', 'demo', 'deployment/web', '--', 'sh', '-c', ask];
  assert.equal(await kubectl(...inside), 'laptop\n'.repeat(6));
  await telepresence(['leave', 'hello']);
}

for (const kubeconfig of [
  'admin-proxy',
  'admin-proxy-password',
  'admin-proxy-tls',
  'admin-socks',
]) {
  test(`proxy-url: ${kubeconfig}`, async () => {
    await connectsBy('service-proxy', { kubeconfig });
  });
}

test('HTTPS_PROXY, and NO_PROXY by network', async () => {
  const kubeconfig = 'admin-node';
  await connectsBy('service-proxy', { kubeconfig, env: { HTTPS_PROXY: proxy } });
  await telepresence(['quit']);
  const env = { HTTPS_PROXY: proxy, NO_PROXY: '10.0.0.0/8,172.31.0.0/16' };
  const silent =
    /cannot be reached: TCP connection to 172\.31\.0\.10:6443: no answer within \d+ ms/;
  await refuses(silent, { kubeconfig, env });
  const wrong = {
    HTTPS_PROXY: `http://${addresses.gateway}:${String(frontPorts.proxyWithPassword)}`,
  };
  await refuses(/refused a connection .*HTTP 407\n.*user and a password/, {
    kubeconfig,
    env: wrong,
  });
});

test('what passes whole messages only gets real frames, remembered for the next time', async () => {
  const kubeconfig = 'admin-websocket';
  await connectsBy('websocket', { kubeconfig });
  await interceptWorks();
  await telepresence(['quit']);
  const log = join(state, 'logs', 'connector.log');
  const before = (await readFile(log, 'utf8')).length;
  await connectsBy('websocket', { kubeconfig });
  const since = (await readFile(log, 'utf8')).slice(before);
  assert.doesNotMatch(since, /path to the manager failed/);
});

test('what passes no Upgrade at all is said', async () => {
  const words = /error: what stands before the API server passes no upgraded connections/;
  await refuses(words, { kubeconfig: 'admin-http2' });
});

test('a control plane that does not reach pods: port-forward, and back when it does', async () => {
  const cluster = await requireMachine(layout, clusterMachine);
  await blockPods(cluster, signal);
  try {
    await connectsBy('port-forward', {});
    await interceptWorks();
  } finally {
    await unblockPods(cluster, signal);
  }
  await eventually('the best way is taken again', 60_000, async () => {
    assert.equal(await transport(), 'service-proxy');
  });
  await clusterWorks();
});

test('no API server, or none that answers: one sentence, soon', async () => {
  await refuses(/TLS with 198\.18\.0\.1:8445: no answer within \d+ ms/, {
    kubeconfig: 'admin-silent',
  });
  const page = /is no Kubernetes API server: .*a web page \(“Sign in”\)\n.*check the server/;
  await refuses(page, { kubeconfig: 'admin-webpage' });
  const server = `https://${addresses.gateway}:${String(ports.api)}/wrong`;
  await refuses(/no Kubernetes API server, or the path is wrong/, {}, '--server', server);
  const web = `https://${addresses.gateway}:${String(ports.web)}`;
  await refuses(/it does not speak TLS/, {}, '--server', web);
});

test('tls-server-name, no verification, and the authorities of the system', async () => {
  await connectsBy('service-proxy', {}, '--tls-server-name', 'kubernetes.default.svc');
  await telepresence(['quit']);
  await refuses(/its certificate is for other names/, {}, '--tls-server-name', 'other.test');

  const admin = await readFile(kubeconfigPath(layout, 'admin'), 'utf8');
  const bare = admin.replace(/\n +certificate-authority-data: .*/, '');
  await writeKubeconfig(layout, 'admin-no-authority', bare);
  const kubeconfig = 'admin-no-authority';
  await refuses(/its certificate is not signed by the authority/, { kubeconfig });
  await connectsBy('service-proxy', { kubeconfig }, '--insecure-skip-tls-verify');
  // A daemon reads the system's authorities once.
  await telepresence(['quit', '-s']);
  const env = { SSL_CERT_FILE: join(layout.certificates, 'ca.crt') };
  await connectsBy('service-proxy', { kubeconfig, env });
});
