/** Several intercepts, handlers and connections in one specification, an image that is built, prerequisites. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { specificationFiles, type SpecificationFiles } from './docker/specification-file.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { rollOut } from './prepare.ts';
import { apply, onLaptop, telepresence } from './run.ts';
import { startTelepresence } from './under-way.ts';

const name = 'e2e-spec-several';
const second = `${name}-b`;
const run = ['intercept', 'run'];
const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let files: SpecificationFiles;

before(async () => {
  files = resources.use(await specificationFiles());
  echo = resources.use(await echoOnDocker({ name, environment: {} }));
  resources.use(await createNamespace(second));
  const ports = [{ port: 80, targetPort: 8080 }];
  for (const [namespace, app] of [
    [name, 'other'],
    [second, 'echo-b'],
  ] as const) {
    await apply(helloApp({ namespace, name: app, services: { [app]: ports } }));
    await rollOut(namespace);
  }
});
after(async () => await resources.disposeAsync());

const connection = `connection: {name: ${name}, namespace: ${name}}\n`;

/** A container that runs a line of a shell in the directory of the specification. */
function shell(handler: string, script: string): string {
  const options = `options: [--entrypoint=sh, "--volume ${files.directory}:/work", --workdir=/work]`;
  const args = JSON.stringify(['-c', script]);
  return `  - {name: ${handler}, docker: {image: "${echo.image}", ${options}, args: ${args}}}\n`;
}

const log = async (): Promise<string> =>
  (await onLaptop(['cat', `${files.directory}/log`], { mayFail: true })).stdout;

test('one handler that is built answers for two workloads; an intercept that is disabled is none', async () => {
  const from = new URL('docker/echo-server', import.meta.url).pathname;
  await onLaptop(['cp', '-r', from, `${files.directory}/images`]);
  const path = await files.write(
    'built.yaml',
    `${connection}workloads:
  - name: echo-easy
    intercepts: [{handler: both, port: 80}, {handler: both, name: off, enabled: false}]
  - name: other
    intercepts: [{handler: both}]
handlers:
  - name: both
    docker:
      build: {context: images, args: ["--build-arg BASE=${echo.image}"]}
      ports: [8080]
`,
  );
  const command = await startTelepresence([...run, path]);
  await command.prints(/both {2}\| Echo server listening on port 8080\.\n/);
  const { stdout: listed } = await telepresence(['list', '-i']);
  assert.match(listed, /echo-easy/);
  assert.match(listed, /other/);
  assert.doesNotMatch(listed, /off/);
  for (const host of ['echo-easy', 'other']) {
    assert.match(await echo.askInCluster(host), /Request served by/, host);
  }
  // Published on the laptop: there one reaches the handler itself.
  const { stdout } = await onLaptop(['curl', '-s', 'http://127.0.0.1:8080/here']);
  assert.match(stdout, /GET \/here/);
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await echo.nothingIsLeft();
});

test('prerequisites: made before, undone after in the opposite order, also where a later one fails', async () => {
  const path = await files.write(
    'prerequisites.yaml',
    `${connection}prerequisites:
  - {create: make-a, delete: unmake-a}
  - {create: make-b, delete: unmake-b}
  - {create: fails, delete: never}
workloads: [{name: echo-easy, intercepts: [{handler: quote}]}]
handlers:
  - {name: quote, docker: {image: jmalloc/echo-server}}
${['make-a', 'make-b', 'unmake-a', 'unmake-b', 'never'].map((one) => shell(one, `echo ${one} >>log`)).join('')}${shell('fails', 'test -e ok && echo made >>log || exit 4')}`,
  );
  const failed = await telepresence([...run, path], { mayFail: true });
  assert.equal(failed.status, 4);
  assert.equal(
    failed.stderr,
    'telepresence intercept run: prerequisite fails ended with exit code 4, so nothing is intercepted\n',
  );
  assert.doesNotMatch(failed.stdout, /Intercept name/);
  assert.equal(await log(), 'make-a\nmake-b\nunmake-b\nunmake-a\n');
  await echo.nothingIsLeft();

  await files.write('ok', '');
  await files.write('log', '');
  const command = await startTelepresence([...run, path]);
  await command.prints(/started successfully/);
  assert.equal(await log(), 'make-a\nmake-b\nmade\n');
  await command.kill('SIGKILL');
  await command.ended;
  await eventually('all is undone', 20_000, async () => {
    assert.equal(await log(), 'make-a\nmake-b\nmade\nnever\nunmake-b\nunmake-a\n');
  });
  await eventually('nothing is left', 20_000, async () => await echo.nothingIsLeft());
});

test('two connections: each workload in its own; what was connected before stays so', async () => {
  const path = await files.write(
    'two.yaml',
    `connections: [{name: ${name}, namespace: ${name}}, {name: ${second}, namespace: ${second}}]
workloads:
  - {name: ${name}/echo-easy, intercepts: [{handler: one}]}
  - {name: ${second}/echo-b, intercepts: [{handler: two}]}
handlers:
  - {name: one, docker: {image: jmalloc/echo-server}}
  - {name: two, docker: {image: jmalloc/echo-server}}
`,
  );
  const command = await startTelepresence([...run, path]);
  await command.prints(/started successfully/);
  await command.prints(/^one {2}\| Echo/m);
  await command.prints(/^two {2}\| Echo/m);
  assert.match(await echo.askInCluster(), /Request served by/);
  assert.match(await echo.askInCluster(`echo-b.${second}`), /Request served by/);
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  await echo.nothingIsLeft();
  const { stdout } = await onLaptop(['docker', 'ps', '--all', '--format', '{{.Names}}']);
  assert.deepEqual(stdout.trim().split('\n').toSorted(), [`tp-${name}`, `tp-${name}-daemon`]);
});
