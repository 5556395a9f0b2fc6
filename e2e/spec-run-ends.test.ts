/** However a run of a specification ends, all of it is taken back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { specificationFiles, type SpecificationFiles } from './docker/specification-file.ts';
import { eventually } from './eventually.ts';
import { onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';

const name = 'e2e-spec-ends';
const run = ['intercept', 'run'];
const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let files: SpecificationFiles;

before(async () => {
  files = resources.use(await specificationFiles());
  echo = resources.use(await echoOnDocker({ name, environment: {} }));
});
after(async () => await resources.disposeAsync());

/** A run of one intercept, whose handler does what a shell is told. */
async function started(script: string, more = ''): Promise<UnderWay> {
  const options = `options: [--entrypoint=sh], args: ${JSON.stringify(['-c', script])}`;
  const text = `connection: {name: ${name}, namespace: ${name}}
workloads: [{name: echo-easy, intercepts: [{handler: quote, localPort: 8080}]}]
handlers: [{name: quote, ${more}docker: {image: "${echo.image}", ${options}}}]
`;
  const command = await startTelepresence([...run, await files.write('ends.yaml', text)]);
  await command.prints(/started successfully/);
  return command;
}

/** Says a word, and goes on until a file is there or it is stopped. */
const waits = 'trap "exit 0" TERM; echo ready; while ! test -e /go; do sleep 0.1; done; exit 3';

test('a handler that fails: its exit code is the run’s', async () => {
  const command = await started(waits);
  await command.prints(/^quote {2}\| ready\n/m);
  await onLaptop(['docker', 'exec', 'tp-quote', 'touch', '/go']);
  const { status, stderr } = await command.ended;
  assert.equal(
    stderr,
    'telepresence intercept run: warning: handler quote has ended with exit code 3; everything is taken back\n',
  );
  assert.equal(status, 3);
  await echo.nothingIsLeft();
});

test('SIGTERM and SIGHUP end it as Ctrl-C does', async () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    const command = await started(waits);
    await command.kill(signal);
    const { status, stderr } = await command.ended;
    assert.deepEqual([status, stderr], [0, ''], signal);
    await echo.nothingIsLeft();
  }
});

test('a handler that heeds nothing is killed after its stopGracePeriod, or by a second Ctrl-C', async () => {
  const deaf = 'trap "" TERM INT; echo ready; while :; do sleep 1; done';
  const patient = await started(deaf, 'stopGracePeriod: 1, ');
  await patient.interrupt();
  assert.equal((await patient.ended).status, 0);
  const command = await started(deaf, 'stopGracePeriod: 100, ');
  await command.interrupt();
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await echo.nothingIsLeft();
});

test('leave and quit in another terminal end it, and it says why', async () => {
  const left = await started(waits);
  await telepresence(['leave', 'echo-easy']);
  const { status, stderr } = await left.ended;
  assert.match(stderr, /warning: the intercept echo-easy has ended.*; the handlers are stopped\n$/);
  assert.equal(status, 0);
  await echo.nothingIsLeft();

  const command = await started(waits);
  await telepresence(['quit']);
  const ended = await command.ended;
  assert.match(
    ended.stderr,
    /^telepresence intercept run: warning: the intercept echo-easy has ended[^\n]*\n$/,
  );
  assert.equal(ended.status, 0);
});

test('killed: the watcher takes back containers, intercepts, and the connection that the run made', async () => {
  assert.match((await telepresence(['status'])).stdout, /Not running/);
  const command = await started(waits);
  await command.prints(/^quote {2}\| ready\n/m);
  await command.kill('SIGKILL');
  await command.ended;
  await eventually('nothing is left', 20_000, async () => {
    const { stdout } = await onLaptop(['docker', 'ps', '--all', '--format', '{{.Names}}']);
    assert.equal(stdout, '');
  });
  assert.match(await echo.askInCluster(), /^app echo-easy-/);
  assert.match((await telepresence(['status'])).stdout, /Not running/);
  await eventually('no files are left', 20_000, async () => {
    assert.doesNotMatch(await echo.files(), /run-/);
  });
});
