/** A container that answers for a workload of the real cluster, by the laptop's real Docker Engine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeGuideImages } from './docker/guide-images.ts';
import { makeImageParts } from './docker/laptop-docker.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';

const namespace = 'e2e-docker-run';
const sandbox = 'tp-e2e-run';
const certificate = '-----BEGIN CERTIFICATE-----\nabc=\n-----END CERTIFICATE-----';
const resources = new AsyncDisposableStack();
let image = '';

const intercept = ['intercept', 'echo-easy', '--port', '8080:80', '--docker-run', '--'] as const;

/** An intercept whose container answers. */
async function answering(...words: readonly string[]): Promise<UnderWay> {
  const command = await startTelepresence([...intercept, ...words]);
  await command.prints(/Echo server listening on port 8080\.\n/);
  return command;
}

/** Who answers a pod of the cluster. */
async function askedInCluster(): Promise<string> {
  const curl = ['wget', '-q', '-O', '-', 'http://echo-easy/from-the-cluster'];
  return await kubectl('exec', '-n', namespace, 'asking', '--', 'timeout', '10', ...curl);
}

/** Nothing of a handler on the laptop: containers, volumes, images, files, processes; and no intercept. */
async function nothingIsLeft(): Promise<void> {
  const label = '--filter=label=telepresence.handler';
  for (const list of [
    ['ps', '--all'],
    ['volume', 'ls'],
    ['image', 'ls'],
  ]) {
    const { stdout } = await onLaptop(['docker', ...list, '--quiet', label]);
    assert.equal(stdout, '', list.join(' '));
  }
  const files = await onLaptop(['sh', '-c', 'ls "$XDG_RUNTIME_DIR/telepresence/handlers"']);
  assert.equal(files.stdout, '');
  const watchers = await onLaptop(['pgrep', '-f', 'handler-watch --id'], { mayFail: true });
  assert.equal(watchers.stdout, '');
  assert.match((await telepresence(['list', '-i'])).stdout, /No Workloads/);
}

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  resources.use(await createNamespace(namespace));
  const ports = [{ name: 'proxied', port: 80, targetPort: 8080 }];
  await apply(helloApp({ namespace, name: 'echo-easy', services: { 'echo-easy': ports } }));
  await kubectl(
    'set',
    'env',
    '-n',
    namespace,
    'deployment/echo-easy',
    `CERT=${certificate}`,
    'WHO=pod',
  );
  await kubectl(
    'run',
    'asking',
    '-n',
    namespace,
    '--image=playground/busybox:1',
    '--',
    'sleep',
    '3600',
  );
  await rollOut(namespace);
  const connect = ['connect', '--docker', '--name', 'e2e-run', '--namespace', namespace];
  await telepresence(connect, { deadlineMs: 180_000 });
  const format = ['-f', '{{.Config.Image}}', sandbox];
  image = (await onLaptop(['docker', 'inspect', ...format])).stdout.trim();
  await makeGuideImages(image);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

test('the guide: a container of the connection answers the cluster, and itself', async () => {
  const command = await answering('jmalloc/echo-server');
  assert.match(await askedInCluster(), /GET \/from-the-cluster HTTP\/1\.1/);
  const network = ['--network', `container:${sandbox}`];
  const asked = ['docker', 'run', ...network, '--rm', 'curlimages/curl', '-sS', 'echo-easy'];
  const { stdout: answer } = await onLaptop(asked);
  assert.match(answer, /^Request served by [0-9a-f]{12}\n\nGET \/ HTTP\/1\.1\nHost: echo-easy\n/);
  // The environment has been read, and lies nowhere.
  await eventually('the file of the environment is gone', 5000, async () => {
    const { stdout } = await onLaptop([
      'sh',
      '-c',
      'ls "$XDG_RUNTIME_DIR"/telepresence/handlers/*',
    ]);
    assert.doesNotMatch(stdout, /environment/);
  });
  const names = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
  assert.match(names.stdout, /^intercept-echo-easy-8080$/m);
  await command.interrupt();
  const { status, stdout, stderr } = await command.ended;
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    `Using Deployment echo-easy
   Intercept name         : echo-easy
   State                  : ACTIVE
   Workload kind          : Deployment
   Destination            : 127.0.0.1:8080
   Service Port Identifier: proxied
   Intercepting           : all TCP requests
Echo server listening on port 8080.
`,
  );
  assert.equal(status, 0);
  await nothingIsLeft();
  assert.match(await askedInCluster(), /^app echo-easy-/);
});
