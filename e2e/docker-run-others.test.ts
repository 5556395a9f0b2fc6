/** Containers that stand in by the other commands; a debugger's rights; datagrams at a published port. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { eventually } from './eventually.ts';
import { rollOut } from './prepare.ts';
import { onLaptop, telepresence } from './run.ts';

const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let folder = '';

before(async () => {
  const environment = { WHO: 'pod' };
  echo = resources.use(await echoOnDocker({ name: 'e2e-others', environment }));
  folder = await mkdtemp(join(tmpdir(), 'e2e-docker-others-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
});
after(async () => await resources.disposeAsync());

const inspect = async (name: string, format: string): Promise<string> =>
  (await onLaptop(['docker', 'inspect', '--format', format, name])).stdout.trim();

test('wiretap: a copy goes to the container, and the app answers', async () => {
  const line = ['wiretap', 'echo-easy', '--port', '8080:80', '--docker-run', '--'];
  const command = await echo.startLine([...line, '--name=e2e-tap', 'jmalloc/echo-server']);
  assert.match(await echo.askInCluster(), /^app echo-easy-/);
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await echo.nothingIsLeft();
});

test('ingest: the environment in a container, whose exit code is the command’s', async () => {
  const script = [
    '--entrypoint=sh',
    echo.image,
    '-c',
    'echo "$WHO $TELEPRESENCE_CONTAINER"; exit 5',
  ];
  const asked = ['ingest', 'echo-easy', '--docker-run', '--', ...script];
  const { status, stdout } = await telepresence(asked, { mayFail: true });
  assert.match(stdout, /\npod app\n$/);
  assert.equal(status, 5);
  await echo.nothingIsLeft();
});

test('replace: the container stands in for the pod’s, and that comes back', async () => {
  const line = ['replace', 'echo-easy', '--port', '8080:http', '--docker-run', '--'];
  const command = await echo.startLine([...line, 'jmalloc/echo-server']);
  await eventually('the container answers', 20_000, async () => {
    assert.match(await echo.askInCluster(), /GET \/from-the-cluster HTTP\/1\.1/);
  });
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await rollOut(echo.namespace);
  await eventually('the app answers', 30_000, async () => {
    assert.match(await echo.askInCluster(), /^app echo-easy-/);
  });
  await echo.nothingIsLeft();
});

test('--docker-debug: what a debugger needs, and no more', async () => {
  await writeFile(join(folder, 'Dockerfile'), 'FROM jmalloc/echo-server\n');
  const line = ['intercept', 'echo-easy', '--port', '8080:80', '--docker-debug', folder, '--'];
  const command = await echo.startLine([...line, 'IMAGE']);
  const format = '{{json .HostConfig.CapAdd}} {{json .HostConfig.SecurityOpt}}';
  const given = await inspect('intercept-echo-easy-8080', format);
  assert.match(given, /^\["(CAP_)?SYS_PTRACE"\] \["apparmor=unconfined"\]$/);
  await command.interrupt();
  await command.ended;
  await echo.nothingIsLeft();
});

test('a published port of datagrams: there and back', async () => {
  const server = `const s = require('node:dgram').createSocket('udp4');
    s.on('message', (text, from) => s.send('got ' + text, from.port, from.address)).bind(8097);
    require('node:http').createServer((_, out) => out.end()).listen(8080, () =>
      console.log('Echo server listening on port 8080.'));
    process.on('SIGINT', () => process.exit(0));`;
  const words = ['-p', '127.0.0.1:8098:8097/udp', '--entrypoint=node', echo.image, '-e', server];
  const command = await echo.start(...words);
  const client = `const c = require('node:dgram').createSocket('udp4');
    c.on('message', (text) => { console.log(String(text)); process.exit(0); });
    setInterval(() => c.send('this', 8098, '127.0.0.1'), 200);
    setTimeout(() => process.exit(1), 10000);`;
  const asked = ['run', '--rm', '--network=host', '--entrypoint=node', echo.image, '-e', client];
  assert.equal((await onLaptop(['docker', ...asked])).stdout, 'got this\n');
  await command.interrupt();
  await command.ended;
  await echo.nothingIsLeft();
});
