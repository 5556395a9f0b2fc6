/** Kubeconfigs that only the laptop can use: a credential plugin, an API server and a proxy on loopback. */
import assert from 'node:assert/strict';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { addresses, frontPorts, ports } from '../playground/addresses.ts';
import { kubeconfigPath, writeKubeconfig } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { makeImageParts } from './docker/laptop-docker.ts';
import { eventually } from './eventually.ts';
import { startListener } from './laptop-listener.ts';
import { prepare } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence, type RunOptions } from './run.ts';

const { layout } = settingsFrom(process.env);
const name = 'e2e-kubeconfig';
const sandbox = `tp-${name}`;
const daemon = `${sandbox}-daemon`;
const account = 'e2e-docker-plugin';
const secret = 'e2e-refresh-token-3f1c';
const directory = join(layout.state, 'laptop', 'home');
const plugin = join(directory, 'e2e-login');
const journal = join(directory, 'e2e-login.log');
const broken = join(directory, 'e2e-login.broken');
const relay = new URL('docker/loopback-relay.laptop.ts', import.meta.url).pathname;
/** Credentials of a plugin are good for so long. */
const goodSeconds = 5;
let token = '';
let good = '';

const connect = (options: RunOptions): ReturnType<typeof telepresence> =>
  telepresence(['connect', '--docker', '--name', name, '--namespace', 'demo'], {
    mayFail: true,
    deadlineMs: 180_000,
    ...options,
  });

/** Whoever shares the daemon's network has an answer of the cluster; its own group is spared by its rules. */
async function clusterAnswers(): Promise<void> {
  const script = `fetch('http://hello/').then((r) => r.text()).then((t) => console.log(t))`;
  const words = ['docker', 'exec', '--user=1000:1000', daemon, 'node', '-e', script];
  assert.match((await onLaptop(words)).stdout, /\S/);
}

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  good = await readFile(kubeconfigPath(layout, 'admin'), 'utf8');
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name: account, namespace: 'default' };
  const subject = { kind: 'ServiceAccount', ...metadata };
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
  await apply(
    JSON.stringify({
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: account },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [subject],
    }),
  );
  token = (await kubectl('create', 'token', account)).trim();
  await writeFile(
    plugin,
    `#!/bin/sh
[ -e ${broken} ] && { echo "your login has ended: sign in with e2e-login" >&2; exit 1; }
echo "$(id -u) $(readlink /proc/self/ns/mnt /proc/self/ns/net | tr '\\n' ' ')$LOGIN_SECRET $SHELL_SECRET" >> ${journal}
end=$(date -u -d "@$(($(date +%s) + ${String(goodSeconds)}))" +%Y-%m-%dT%H:%M:%SZ)
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"${token}","expirationTimestamp":"'$end'"}}'
`,
  );
  await chmod(plugin, 0o700);
  const exec = `    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: ${plugin}
      env: [{ name: LOGIN_SECRET, value: ${secret} }]
`;
  const material = /( {2}user:\n) {4}client-certificate-data: .*\n {4}client-key-data: .*\n/;
  await writeKubeconfig(layout, 'e2e-plugin', good.replace(material, `$1${exec}`));
});
afterEach(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  for (const path of [journal, broken]) await rm(path, { force: true });
});
after(async () => {
  await rm(plugin, { force: true });
  await kubectl('delete', 'clusterrolebinding', account, '--ignore-not-found');
  await kubectl('delete', 'serviceaccount', account, '--ignore-not-found');
});

test('a credential plugin runs on the laptop, again when its token is over, and the container has nothing of it', async () => {
  const shell = { SHELL_SECRET: 'of-this-shell' };
  const options = { kubeconfig: 'e2e-plugin', env: shell };
  const { status, stderr } = await connect(options);
  assert.deepEqual([status, stderr], [0, '']);
  await clusterAnswers();
  const runs = async (): Promise<string[]> => (await readFile(journal, 'utf8')).trim().split('\n');
  const here = await onLaptop(['readlink', '/proc/self/ns/net']);
  for (const line of await runs()) {
    assert.match(line, new RegExp(`^0 .* ${here.stdout.trim().replace(/[[\]]/g, '\\$&')} `));
    assert.match(line, new RegExp(`${secret} of-this-shell$`));
  }
  const before = (await runs()).length;
  await eventually('the plugin is run again', 40_000, async () => {
    await telepresence(['list', '--namespace', 'default']);
    assert.ok((await runs()).length > before);
  });
  await clusterAnswers();

  // Memory is not looked into: a token is there while it is good.
  const words = [secret, token, token.slice(-40), 'of-this-shell', 'e2e-login'];
  const inspected = (await onLaptop(['docker', 'inspect', daemon, sandbox])).stdout;
  const logged = await onLaptop(['docker', 'logs', daemon]);
  for (const word of words) {
    assert.equal(await whereInside(word), '', word.slice(0, 20));
    assert.ok(!inspected.includes(word), word.slice(0, 20));
    assert.ok(!`${logged.stdout}${logged.stderr}`.includes(word), word.slice(0, 20));
  }
  assert.equal(await whereInside('user-daemon.mjs'), 'a process');
  assert.match(await whereInside('nameserver'), /^\/etc\/resolv\.conf$/m);
});

/** Which arguments, variables and files of the daemon's container have a word. */
async function whereInside(word: string): Promise<string> {
  const look = `read -r word
    all=$(cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n')
    case "$all" in *"$word"*) echo a process;; esac
    grep -rlF -e "$word" /run /root /tmp /etc /var /home 2>/dev/null`;
  const words = ['docker', 'exec', '-i', daemon, 'sh', '-c', look];
  return (await onLaptop(words, { input: `${word}\n`, mayFail: true })).stdout.trim();
}

test('a plugin that fails is heard in its own words, and what it ended goes on when it works again', async () => {
  const options = { kubeconfig: 'e2e-plugin' };
  await writeFile(broken, '');
  const refused = await connect(options);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /e2e-login failed: your login has ended: sign in with e2e-login\n/);
  assert.equal(refused.stderr.trim().split('\n').length, 2, refused.stderr);
  await rm(broken);
  assert.equal((await connect(options)).status, 0);
  await writeFile(broken, '');
  await eventually('a question to the cluster says why it has no answer', 40_000, async () => {
    const asked = ['list', '--namespace', 'default'];
    const { status, stderr } = await telepresence(asked, { mayFail: true });
    assert.equal(status, 1);
    assert.match(stderr, /your login has ended/);
  });
  await rm(broken);
  await telepresence(['list', '--namespace', 'default']);
  await clusterAnswers();
});

test('an API server at 127.0.0.1 is reached as the laptop reaches it, its certificate checked', async () => {
  const way = [relay, addresses.gateway, String(ports.api)];
  await using api = await startListener(way);
  const at = (more: string): string =>
    good.replace(/server: .*/, `server: https://127.0.0.1:${String(api.port)}${more}`);
  await writeKubeconfig(layout, 'e2e-loopback', at('\n    tls-server-name: kubernetes'));
  await writeKubeconfig(
    layout,
    'e2e-loopback-other',
    at('\n    tls-server-name: other.example.com'),
  );
  const wrong = await connect({ kubeconfig: 'e2e-loopback-other' });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /certificate|altnames/i);
  const { status, stdout, stderr } = await connect({ kubeconfig: 'e2e-loopback' });
  assert.deepEqual([status, stderr], [0, '']);
  assert.ok(stdout.includes(`(https://127.0.0.1:${String(api.port)})`), stdout);
  await clusterAnswers();
  // While there is a way to say goodbye to the cluster.
  await telepresence(['quit']);
});

test('a proxy at 127.0.0.1 is used as the laptop uses it', async () => {
  await using proxy = await startListener([relay, addresses.gateway, String(frontPorts.proxy)]);
  const url = `http://127.0.0.1:${String(proxy.port)}`;
  await writeKubeconfig(
    layout,
    'e2e-proxy',
    good.replace(/( {4}server: .*)/, `$1\n    proxy-url: ${url}`),
  );
  const { status, stderr } = await connect({ kubeconfig: 'e2e-proxy' });
  assert.deepEqual([status, stderr], [0, '']);
  await clusterAnswers();
  // While there is a way to say goodbye to the cluster.
  await telepresence(['quit']);
});
