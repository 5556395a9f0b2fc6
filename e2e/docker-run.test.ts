/** A container that answers for a workload of the real cluster, by the laptop's real Docker Engine. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { eventually } from './eventually.ts';
import { onLaptop, telepresence } from './run.ts';

const certificate = '-----BEGIN CERTIFICATE-----\nabc=\n-----END CERTIFICATE-----';
const sandbox = 'tp-e2e-run';
const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let folder = '';

before(async () => {
  const environment = { CERT: certificate, WHO: 'pod', HTTP_PROXY: 'a\nb' };
  echo = resources.use(await echoOnDocker({ name: 'e2e-run', environment }));
  folder = await mkdtemp(join(tmpdir(), 'e2e-docker-run-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
});
after(async () => await resources.disposeAsync());

test('the guide: a container of the connection answers the cluster, and itself', async () => {
  const command = await echo.start('jmalloc/echo-server');
  assert.match(await echo.askInCluster(), /GET \/from-the-cluster HTTP\/1\.1/);
  const network = ['--network', `container:${sandbox}`];
  const asked = ['docker', 'run', ...network, '--rm', 'curlimages/curl', '-sS', 'echo-easy'];
  const { stdout: answer } = await onLaptop(asked);
  assert.match(answer, /^Request served by [0-9a-f]{12}\n\nGET \/ HTTP\/1\.1\nHost: echo-easy\n/);
  // The environment has been read, and lies nowhere.
  await eventually('the file of the environment is gone', 5000, async () => {
    assert.doesNotMatch(await echo.files(), /environment/);
  });
  const names = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
  assert.match(names.stdout, /^intercept-echo-easy-8080$/m);
  await command.interrupt();
  const { status, stdout, stderr } = await command.ended;
  assert.match(stderr, /^telepresence intercept: warning: the variable HTTP_PROXY is .*\n$/);
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
  await echo.nothingIsLeft();
  assert.match(await echo.askInCluster(), /^app echo-easy-/);
});

test('the environment, whole; the user’s own wins; the exit code is the container’s', async () => {
  const script = 'echo "$CERT $WHO $TELEPRESENCE_CONTAINER $MINE"; exit 7';
  const own = ['--entrypoint=sh', '-e', 'WHO=me', '--env=MINE=1', echo.image, '-c', script];
  const { status, stdout, stderr } = await telepresence([...echo.intercept, ...own], {
    mayFail: true,
  });
  assert.equal(stdout.split('\n').slice(7).join('\n'), `${certificate} me app 1\n`);
  assert.match(stderr, /^telepresence intercept: warning: the variable HTTP_PROXY is not given/);
  assert.equal(status, 7);
  const missing = [...echo.intercept, '--entrypoint=/nowhere', echo.image];
  assert.equal((await telepresence(missing, { mayFail: true })).status, 127);
  await echo.nothingIsLeft();
});

test('an image that is built for the run, its ports on the laptop, and nothing of it afterwards', async () => {
  const lines = ['FROM jmalloc/echo-server', 'ARG WHO=nobody', 'ENV BUILT_FOR=$WHO'];
  await writeFile(join(folder, 'Dockerfile'), lines.join('\n'));
  const build = ['--docker-build', folder, '--docker-build-opt', 'build-arg=WHO=me'];
  const words = ['-p', '127.0.0.1:8099:8080', '-p', '8098:8097/udp', 'IMAGE'];
  // Without `--`, the image begins what is Docker's: these flags do not.
  const line = ['intercept', 'echo-easy', '--port', '8080:80', ...build];
  const command = await echo.startLine([...line, '--', ...words]);
  const ask = ['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:8099/published'];
  assert.match((await onLaptop(ask)).stdout, /GET \/published HTTP/);
  const name = 'intercept-echo-easy-8080';
  const env = await onLaptop(['docker', 'exec', name, 'sh', '-c', 'echo $BUILT_FOR']);
  assert.equal(env.stdout, 'me\n');
  const udp = await onLaptop(['docker', 'port', `${name}-ports`]);
  assert.match(udp.stdout, /^8097\/udp -> 0\.0\.0\.0:8098$/m);
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await echo.nothingIsLeft();
  // What the build made of the Dockerfile is there for the next one.
  const again = await echo.startLine([...line, 'IMAGE']);
  await again.interrupt();
  assert.match((await again.ended).stderr, /Using cache|CACHED/);
  await echo.nothingIsLeft();
});

test('curl and docker-run are in the network of the connection', async () => {
  const { stdout } = await telepresence(['curl', '-sS', '-o', 'answer', 'echo-easy'], {
    cwd: folder,
  });
  assert.equal(stdout, '');
  assert.match((await onLaptop(['cat', join(folder, 'answer')])).stdout, /^app echo-easy-/);
  const refused = await telepresence(['curl', '--nonsense'], { mayFail: true });
  assert.equal(refused.status, 2);
  const script = 'wget -q -O - http://echo-easy; exit 9';
  const words = ['--entrypoint', 'sh', '-e', 'A=b', echo.image, '-c', script];
  const ran = await telepresence(['docker-run', ...words], { mayFail: true });
  assert.match(ran.stdout, /^app echo-easy-/);
  assert.equal(ran.status, 9);
  await echo.nothingIsLeft();
});

test('with several connections a handler has the name of its own', async () => {
  const second = ['connect', '--docker', '--name', 'e2e-other', '--namespace', 'default'];
  await telepresence(second, { deadlineMs: 120_000 });
  const line = [...echo.intercept.slice(0, -1), '--use', 'e2e-run', '--'];
  const command = await echo.startLine([...line, 'jmalloc/echo-server']);
  const names = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
  assert.match(names.stdout, /^intercept-echo-easy-8080-e2e-run$/m);
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await telepresence(['quit', '--use', 'e2e-other']);
});
