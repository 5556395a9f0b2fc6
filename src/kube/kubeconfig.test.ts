import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isKubeError } from './errors.ts';
import { loadClusterAccess, type KubeFlags } from './kubeconfig.ts';

const signal = AbortSignal.timeout(20_000);

async function folder(): Promise<{ readonly at: string } & AsyncDisposable> {
  const at = await mkdtemp(path.join(tmpdir(), 'kubeconfig-'));
  return {
    at,
    async [Symbol.asyncDispose]() {
      await rm(at, { recursive: true });
    },
  };
}

const main = `
apiVersion: v1
kind: Config
current-context: work
clusters:
- name: prod
  cluster: { server: 'https://api.example.com:6443/base', certificate-authority: ca.crt, tls-server-name: kubernetes, proxy-url: 'http://proxy:3128' }
- name: play
  cluster: { server: 'https://10.0.0.1', insecure-skip-tls-verify: true }
contexts:
- name: work
  context: { cluster: prod, user: alice, namespace: shop }
- name: toy
  context: { cluster: play, user: plugin }
- name: lost
  context: { cluster: nowhere, user: alice }
users:
- name: alice
  user: { token: secret, as: bob, as-groups: [developers, testers] }
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./plugin.sh
      args: [one]
      env: [{ name: REGION, value: north }]
      provideClusterInfo: true
`;

async function load(at: string, flags: KubeFlags, env: Readonly<Record<string, string>> = {}) {
  await writeFile(path.join(at, 'ca.crt'), 'the authority');
  await writeFile(path.join(at, 'config'), main);
  return await loadClusterAccess(
    { clock: systemClock },
    {
      flags,
      env: { KUBECONFIG: path.join(at, 'config'), PATH: process.env['PATH'] ?? '', ...env },
      home: at,
      workingFolder: at,
    },
  );
}

test('the current context says cluster, user, namespace, trust and proxy', async () => {
  await using dir = await folder();
  const access = await load(dir.at, {});
  assert.equal(access.server.href, 'https://api.example.com:6443/base');
  assert.equal(access.context, 'work');
  assert.equal(access.cluster, 'prod');
  assert.equal(access.namespace, 'shop');
  assert.equal(access.proxy?.href, 'http://proxy:3128/');
  assert.deepEqual(access.trust, {
    ca: 'the authority',
    serverName: 'kubernetes',
    skipVerify: false,
  });
});

test('flags decide over the file', async () => {
  await using dir = await folder();
  const access = await load(dir.at, {
    context: 'toy',
    namespace: 'mine',
    token: 'other',
    as: 'carol',
  });
  assert.equal(access.namespace, 'mine');
  assert.equal(access.trust.skipVerify, true);
  const { headers } = await access.identify(signal);
  assert.deepEqual(headers, { authorization: 'Bearer other', 'impersonate-user': 'carol' });
});

test('impersonation has all its headers', async () => {
  await using dir = await folder();
  const access = await load(dir.at, { context: 'toy', user: 'alice' });
  assert.deepEqual((await access.identify(signal)).headers, {
    authorization: 'Bearer secret',
    'impersonate-user': 'bob',
    'impersonate-group': ['developers', 'testers'],
  });
});

test('a plugin runs in the shell’s environment, knows the cluster, and once', async () => {
  await using dir = await folder();
  const plugin = path.join(dir.at, 'plugin.sh');
  await writeFile(
    plugin,
    `#!/bin/sh
echo run >> ${dir.at}/runs
case $KUBERNETES_EXEC_INFO in *'"server":"https://10.0.0.1"'*) ;; *) exit 1;; esac
echo '{"kind":"ExecCredential","status":{"token":"'$1-$REGION-$PROFILE'","expirationTimestamp":"2999-01-01T00:00:00Z"}}'
`,
  );
  await chmod(plugin, 0o755);
  const access = await load(dir.at, { context: 'toy' }, { PROFILE: 'me' });
  const [first, second] = await Promise.all([access.identify(signal), access.identify(signal)]);
  assert.equal(first.headers['authorization'], 'Bearer one-north-me');
  assert.equal(first, second);
  access.forgetIdentity();
  await access.identify(signal);
  assert.equal(await readFile(path.join(dir.at, 'runs'), 'utf8'), 'run\nrun\n');
});

test('a plugin that fails says why, and is asked again the next time', async () => {
  await using dir = await folder();
  const plugin = path.join(dir.at, 'plugin.sh');
  await writeFile(plugin, '#!/bin/sh\necho "please run: login" >&2; exit 3\n');
  await chmod(plugin, 0o755);
  const access = await load(dir.at, { context: 'toy' });
  await assert.rejects(access.identify(signal), (error) => {
    assert.ok(isKubeError(error, 'Unauthorized'));
    assert.match(error.message, /credential plugin .\/plugin.sh failed: please run: login/);
    return true;
  });
  await rm(plugin);
  await assert.rejects(
    access.identify(signal),
    (error) => isKubeError(error, 'BadConfig') && /is not installed/.test(error.message),
  );
});

test('what is wrong with a kubeconfig is said', async () => {
  await using dir = await folder();
  const says = async (flags: KubeFlags, words: RegExp): Promise<void> => {
    await assert.rejects(load(dir.at, flags), (error) => {
      assert.ok(isKubeError(error, 'BadConfig'));
      assert.match(error.message, words);
      return true;
    });
  };
  await says({ context: 'nope' }, /the kubeconfig has no context nope/);
  await says({ context: 'lost' }, /the kubeconfig has no cluster nowhere/);
  await says({ kubeconfig: path.join(dir.at, 'absent') }, /absent does not exist/);
  const broken = path.join(dir.at, 'broken');
  await writeFile(broken, 'clusters: [{ name: a, cluster: { server: [secret] } }]');
  await says(
    { kubeconfig: broken },
    /broken is broken: clusters\.0\.cluster\.server is not string/,
  );
  await writeFile(broken, 'clusters: [');
  await says({ kubeconfig: broken }, /is not YAML/);
  await writeFile(broken, '');
  await says({ kubeconfig: broken }, /no current context/);
});

test('the first of several files decides', async () => {
  await using dir = await folder();
  const extra = path.join(dir.at, 'extra');
  await writeFile(
    extra,
    'current-context: toy\nusers: [{ name: plugin, user: { token: mine } }]\n',
  );
  const list = [extra, path.join(dir.at, 'absent'), path.join(dir.at, 'config')];
  const relative = list.map((name) => path.relative(dir.at, name));
  const access = await load(dir.at, {}, { KUBECONFIG: relative.join(path.delimiter) });
  assert.equal(access.context, 'toy');
  assert.equal((await access.identify(signal)).headers['authorization'], 'Bearer mine');
});
