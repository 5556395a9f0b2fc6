/** A command that is killed while its container answers, and an engine that is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { eventually } from './eventually.ts';
import { onLaptop, telepresence } from './run.ts';
import { startTelepresence } from './under-way.ts';

const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;

before(async () => {
  echo = resources.use(await echoOnDocker({ name: 'e2e-run-killed', environment: {} }));
});
after(async () => await resources.disposeAsync());

test('a killed command is no longer there, nor is anything else', async () => {
  const build = new URL('docker/echo-server', import.meta.url).pathname;
  const from = ['--docker-build-opt', `build-arg=BASE=${echo.image}`];
  const line = ['intercept', 'echo-easy', '--port', '8080:80', '--docker-build', build, ...from];
  const command = await echo.startLine([...line, '--', '-p', '8099:8080', 'IMAGE']);
  await command.kill('SIGKILL');
  await command.ended;
  await eventually('nothing is left', 15_000, async () => await echo.nothingIsLeft());
  assert.match(await echo.askInCluster(), /^app echo-easy-/);
});

test('an engine that is gone ends the command', async () => {
  const connect = [
    'connect',
    '--docker',
    '--name',
    'e2e-run-killed',
    '--namespace',
    echo.namespace,
  ];
  await telepresence(connect, { deadlineMs: 120_000 });
  const command = await startTelepresence([...echo.intercept, 'jmalloc/echo-server']);
  await command.prints(/Echo server listening on port 8080\.\n/);
  await onLaptop(['pkill', '-KILL', 'dockerd']);
  const { status } = await command.ended;
  assert.notEqual(status, 0);
  // The next connection removes what nobody could remove then.
  await eventually('a new connection', 30_000, async () => {
    await telepresence(connect, { deadlineMs: 120_000 });
  });
  await echo.nothingIsLeft();
});
