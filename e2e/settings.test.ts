/** What config.yml and the kubeconfig's cluster say, and who is heard where they differ. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kubeconfigPath, writeKubeconfig } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { clusterIp } from './pod-network.ts';
import { prepare } from './prepare.ts';
import { onLaptop, telepresence, type RunOptions } from './run.ts';

const { layout } = settingsFrom(process.env);
const kubeconfig = 'with-extension';
let directory = '';
let file: RunOptions = {};
let serviceAddress = '';

before(async () => {
  await prepare();
  directory = await mkdtemp(join(tmpdir(), 'telepresence-settings-'));
  file = { env: { XDG_CONFIG_HOME: directory } };
  await mkdir(join(directory, 'telepresence'));
  serviceAddress = await clusterIp('demo', 'web');
});
after(async () => {
  await telepresence(['quit'], { mayFail: true });
  await rm(directory, { recursive: true, force: true });
});

async function writeConfig(content: object): Promise<void> {
  await writeFile(join(directory, 'telepresence', 'config.yml'), JSON.stringify(content));
}

async function writeExtension(content: object): Promise<void> {
  const good = await readFile(kubeconfigPath(layout, 'admin'), 'utf8');
  const extensions = JSON.stringify([{ name: 'telepresence.io', extension: content }]);
  const text = good.replace(/( +)server: .*\n/, (line, indent: string) => {
    return `${line}${indent}extensions: ${extensions}\n`;
  });
  await writeKubeconfig(layout, kubeconfig, text);
}

/** The addresses of a name as programs on the laptop see it; none where there is no such name. */
async function addressesOf(name: string): Promise<string[]> {
  const { stdout } = await onLaptop(['getent', 'ahostsv4', name], { mayFail: true });
  return [...new Set(stdout.split('\n').flatMap((line) => line.split(' ')[0] || []))];
}

test('names of config.yml', async () => {
  await writeConfig({
    dns: {
      mappings: [
        { name: 'shop.example.com', aliasFor: 'web.demo' },
        { name: 'legacy', aliasFor: '192.0.2.7' },
      ],
      excludes: ['redis', 'web.demo'],
      excludeSuffixes: ['.com'],
      includeSuffixes: ['.corp'],
      lookupTimeout: '3s',
    },
  });
  await telepresence(['connect', '-n', 'demo'], file);
  assert.deepEqual(await addressesOf('shop.example.com'), [serviceAddress]);
  assert.deepEqual(await addressesOf('legacy'), ['192.0.2.7']);
  assert.deepEqual(await addressesOf('web'), [serviceAddress]);
  assert.deepEqual(await addressesOf('redis'), []);
  assert.deepEqual(await addressesOf('web.demo'), []);
  // By its whole name it was not excluded.
  const whole = 'web.demo.svc.cluster.local';
  assert.deepEqual(await addressesOf(whole), [serviceAddress]);
  const status: unknown = JSON.parse((await telepresence(['status', '--output', 'json'])).stdout);
  assert.partialDeepStrictEqual(status, {
    root_daemon: {
      dns: {
        exclude_suffixes: ['.com'],
        include_suffixes: ['.corp'],
        excludes: ['redis', 'web.demo'],
        mappings: [
          { name: 'shop.example.com', aliasFor: 'web.demo' },
          { name: 'legacy', aliasFor: '192.0.2.7' },
        ],
        lookup_timeout: 3e9,
      },
    },
  });
  const { stdout } = await telepresence(['status']);
  assert.match(stdout, /Mappings *:\s+- shop\.example\.com for web\.demo\n/);
  await telepresence(['quit']);
  assert.deepEqual(await addressesOf('shop.example.com'), []);
});

test('the kubeconfig’s cluster is heard before config.yml, and a flag before both', async () => {
  await writeConfig({
    cluster: { defaultManagerNamespace: 'of-the-file' },
    dns: { mappings: [{ name: 'shop.example.com', aliasFor: '192.0.2.1' }], excludes: ['x'] },
  });
  const refused = async (options: RunOptions, argv: readonly string[] = []): Promise<string> => {
    const argvs = ['connect', '-n', 'demo', ...argv];
    const { status, stderr } = await telepresence(argvs, { mayFail: true, ...options });
    assert.equal(status, 1);
    return stderr;
  };
  assert.match(await refused(file), /not installed in namespace of-the-file, but in ambassador/);
  await writeExtension({ manager: { namespace: 'of-the-cluster' } });
  const both = { ...file, kubeconfig };
  assert.match(await refused(both), /not installed in namespace of-the-cluster, but in/);
  const flag = ['--manager-namespace', 'of-the-flag'];
  const environment = { env: { ...file.env, TELEPRESENCE_MANAGER_NAMESPACE: 'of-the-shell' } };
  const shell = { ...both, ...environment };
  assert.match(await refused(shell), /not installed in namespace of-the-shell, but in/);
  assert.match(await refused(shell, flag), /not installed in namespace of-the-flag, but in/);

  await writeExtension({
    manager: { namespace: 'ambassador' },
    'also-proxy': ['192.0.2.0/24'],
    'never-proxy': ['10.96.99.0/24'],
    dns: { mappings: [{ name: 'shop.example.com', aliasFor: 'web' }] },
  });
  await telepresence(['connect', '-n', 'demo'], both);
  assert.deepEqual(await addressesOf('shop.example.com'), [serviceAddress]);
  const view = (await telepresence(['config', 'view'], both)).stdout;
  assert.match(view, /alsoProxySubnets:\s+- 192\.0\.2\.0\/24/);
  assert.match(view, /neverProxySubnets:\s+- 10\.96\.99\.0\/24/);
  assert.match(view, /excludes:\s+- x/);
  // The same once more is the same connection.
  const again = await telepresence(['connect', '-n', 'demo'], both);
  assert.equal(again.stdout, '');
  await telepresence(['quit']);
});

test('an extension or file that cannot be read says where', async () => {
  await writeExtension({ dns: { mappings: [{ name: 'a' }] } });
  const broken = await telepresence(['connect'], { mayFail: true, kubeconfig });
  assert.match(
    broken.stderr,
    /extension telepresence\.io of cluster \S+ \(kubeconfig \S+, line \d+\) is broken: dns\.mappings\.0\.aliasFor/,
  );
  await writeConfig({ timeouts: { intercept: 'soon' } });
  const typed = await telepresence(['connect'], { mayFail: true, ...file });
  assert.match(typed.stderr, /config\.yml, line 1: timeouts\.intercept: a duration such as 20s/);
});

test('a misspelt name is told with its line, what has no meaning here in one line', async () => {
  await writeConfig({ routing: { neverProxySubnet: [] }, grpc: { maxReceiveSize: '10Mi' } });
  await writeExtension({ routing: { alsoProxi: [] }, usage: { enabled: false } });
  const { stderr, stdout } = await telepresence(['connect', '-n', 'demo'], { ...file, kubeconfig });
  assert.match(stdout, /^Connected to context/m);
  const said = stderr.split('\n').filter((line) => line !== '');
  assert.equal(said.length, 4, stderr);
  const config = 'telepresence: warning: \\S+/telepresence/config\\.yml';
  assert.match(
    said[0] ?? '',
    new RegExp(
      `^${config}, line 1: there is no setting routing\\.neverProxySubnet \\(.*Subnets\\?\\)$`,
    ),
  );
  assert.match(
    said[1] ?? '',
    new RegExp(`^${config}: without a meaning here: grpc.maxReceiveSize `),
  );
  assert.match(said[2] ?? '', /^telepresence: warning: kubeconfig \S+, line \d+: .*alsoProxi \(/);
  assert.match(said[3] ?? '', /usage\.enabled has no meaning here: no usage is reported/);
  const view = await telepresence(['config', 'view', '-c'], file);
  assert.match(view.stderr, /grpc\.maxReceiveSize has no meaning here: messages have no size/);
  await telepresence(['quit']);
});
