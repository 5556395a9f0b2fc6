/** The golden path of Docker, as its guide has it, line by line: one connection, a named one, two at once. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { version } from '#base/version.ts';
import { kubeconfigPath, writeKubeconfig } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { makeImageParts } from './docker/laptop-docker.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';

const { layout } = settingsFrom(process.env);
const image = `telepresence/telepresence:${version}`;
const server = 'https://198.18.0.1:6443';
const kubeconfig = 'e2e-default';
const workload = 'echo-easy';
const namespaces = ['alpha', 'beta'] as const;
const handlers = ['e2e-by-hand', 'e2e-by-hand-alpha', 'e2e-by-hand-beta'] as const;
const owned = new AsyncDisposableStack();

/** As the laptop's owner types it; the first context there is called default. */
const run = async (...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await telepresence(args, { kubeconfig, deadlineMs: 180_000 });
  assert.equal(stderr, '');
  return stdout;
};
const docker = async (...args: readonly string[]): Promise<string> =>
  (await onLaptop(['docker', ...args])).stdout.trim();

/** `docker run --network=container:NETWORK -e PORT=8080 …`: says who it is. */
async function startHandler(name: string, network: string): Promise<void> {
  const serve = `require('node:http').createServer((_, out) => out.end('${name}\\n'))
    .listen(process.env.PORT, () => console.log('Echo server listening on port ' + process.env.PORT + '.'))`;
  const given = [`--network=container:${network}`, '-e', 'PORT=8080', '--entrypoint=node'];
  await docker('run', '-d', `--name=${name}`, ...given, image, '-e', serve);
  await eventually(`${name} listens`, 20_000, async () => {
    assert.equal(await docker('logs', name), 'Echo server listening on port 8080.');
  });
}

/** What a container in that network is told by a Service. */
const curl = (network: string, url: string): Promise<string> =>
  docker('run', '--rm', '--network', `container:${network}`, '--entrypoint=curl', image, '-s', url);

/** What a pod of the cluster is told by it. */
const fromPod = (namespace: string): Promise<string> =>
  kubectl(
    'exec',
    '-n',
    'demo',
    'deployment/web',
    '--',
    'timeout',
    '5',
    'wget',
    '-qO-',
    `http://${workload}.${namespace}`,
  );

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  const good = await readFile(kubeconfigPath(layout, 'admin'), 'utf8');
  const renamed = good
    .replace(/(contexts:\n- name: ).*/, '$1default')
    .replace(/^current-context: .*/m, 'current-context: default');
  await writeKubeconfig(layout, kubeconfig, renamed);
  for (const namespace of namespaces) owned.use(await createNamespace(namespace));
  owned.defer(async () => {
    await kubectl('delete', 'deployment,service', workload, '-n', 'default', '--ignore-not-found');
    await kubectl('delete', 'configmap', 'hello', '-n', 'default', '--ignore-not-found');
  });
  const port = [{ name: 'proxied', port: 80, targetPort: 8080 }];
  const all = ['default', ...namespaces];
  await apply(
    all
      .map((namespace) => helloApp({ namespace, name: workload, services: { [workload]: port } }))
      .join('\n---\n'),
  );
  await Promise.all(all.map(rollOut));
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['docker', 'rm', '-f', ...handlers], { mayFail: true });
  await owned.disposeAsync();
});

test('connect, docker ps, status', async () => {
  assert.equal(await run('connect', '--docker'), `Connected to context default (${server})\n`);
  const format = 'table {{.Image}}\t{{.Command}}\t{{.Ports}}\t{{.Names}}';
  const [head = '', ...rows] = (await docker('ps', '--format', format)).split('\n');
  assert.match(head, /^IMAGE +COMMAND +PORTS +NAMES$/);
  const [daemon = '', sandbox = '', ...more] = rows.toSorted().toReversed();
  assert.equal(daemon.replaceAll(/ {2,}/g, '  '), `${image}  "telepresence connec…"  tp-default`);
  assert.match(sandbox, / 127\.0\.0\.1:(588\d\d)->\1\/tcp +tp-default-default-cn$/);
  assert.deepEqual(more, []);
  const grep = (await onLaptop(['sh', '-c', `telepresence status | grep 'Container network'`]))
    .stdout;
  assert.equal(grep, '  Container network : container:tp-default-default-cn\n');
});

test('curl of a Service in that network, by both names', async () => {
  for (const network of ['tp-default-default-cn', 'tp-default']) {
    assert.match(await curl(network, workload), new RegExp(`^app ${workload}-\\S+ 8080$`));
  }
});

test('a handler started by hand stands in, for pods and for the network itself', async () => {
  await startHandler('e2e-by-hand', 'tp-default');
  const printed = await run('intercept', workload, '--port', '8080:80');
  const [using, ...block] = printed.trimEnd().split('\n');
  assert.equal(using, `Using Deployment ${workload}`);
  // The guide shows an earlier version's margin and last word; the columns are as there.
  assert.deepEqual(
    block.filter((line) => line.includes(': ')).map((line) => line.trim()),
    [
      `Intercept name         : ${workload}`,
      'State                  : ACTIVE',
      'Workload kind          : Deployment',
      'Destination            : 127.0.0.1:8080',
      'Service Port Identifier: proxied',
      'Intercepting           : all TCP connections',
    ],
  );
  assert.equal(await fromPod('default'), 'e2e-by-hand\n');
  assert.equal(await curl('tp-default-default-cn', workload), 'e2e-by-hand');
  assert.match(await run('list'), new RegExp(`^${workload} *: intercepted$`, 'm'));
  assert.match(await run('status'), new RegExp(`^ {4}${workload}: `, 'm'));
  await run('leave', workload);
  assert.match(await fromPod('default'), /^app /);
  await docker('rm', '-f', 'e2e-by-hand');
  assert.equal(await run('quit'), 'Disconnected\n');
});

test('a named connection has a shorter network name', async () => {
  await run('connect', '--docker', '--name', 'a');
  assert.match(await run('status'), /^ {2}Container network : container:tp-a$/m);
  assert.equal(await run('quit'), 'Disconnected\n');
});

test('two namespaces at once, each with an intercept of its own, chosen by --use', async () => {
  for (const namespace of namespaces) {
    await run('connect', '--docker', '--name', namespace, '--namespace', namespace);
    await startHandler(`e2e-by-hand-${namespace}`, `tp-${namespace}`);
  }
  const asked = ['intercept', workload, '--port', '8080:80'];
  const { status, stderr } = await telepresence(asked, { mayFail: true, kubeconfig });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /error: there are 2 connections: alpha \(default, namespace alpha\), beta \(default, namespace beta\)\nsay which one is meant: --use NAME\n$/,
  );
  const both = await run('status');
  const networks = both.match(/^ {2}Container network : container:.*$/gm);
  assert.deepEqual(networks?.toSorted(), [
    '  Container network : container:tp-alpha',
    '  Container network : container:tp-beta',
  ]);
  assert.match(both, /^ {2}Connection name +: beta$/m);
  const { connections } = JSON.parse(await run('status', '--output', 'json'));
  assert.equal(connections.length, 2);
  for (const namespace of namespaces) {
    await run(...asked, '--use', namespace);
    assert.equal(await fromPod(namespace), `e2e-by-hand-${namespace}\n`);
  }
  assert.match(
    await run('list', '--use', 'al.ha', '-i'),
    new RegExp(`^${workload} *: intercepted`, 'm'),
  );
  assert.equal(await run('quit', '--use', 'alpha'), 'Disconnected\n');
  assert.match(await fromPod('alpha'), /^app /);
  assert.equal(await fromPod('beta'), 'e2e-by-hand-beta\n');
  // The one that is left needs no choice.
  assert.match(await run('status'), /^ {2}Container network : container:tp-beta$/m);
  assert.equal(await run('quit'), 'Disconnected\n');
  assert.match(await fromPod('beta'), /^app /);
  assert.equal(await run('quit'), 'Not connected\n');
  assert.equal(await docker('ps', '-aq', '--filter', 'label=telepresence.laptop'), '');
});
