/** `telepresence intercept run`: a specification with containers as handlers, and however it ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { specificationFiles, type SpecificationFiles } from './docker/specification-file.ts';
import { onLaptop, telepresence } from './run.ts';
import { startTelepresence } from './under-way.ts';

const name = 'e2e-spec-run';
const run = ['intercept', 'run'];
const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let files: SpecificationFiles;

before(async () => {
  files = resources.use(await specificationFiles());
  echo = resources.use(
    await echoOnDocker({ name, environment: { WHO: 'pod', GREETING: 'of the pod' } }),
  );
});
after(async () => await resources.disposeAsync());

const connection = `connection: {name: ${name}, namespace: ${name}}\n`;
const quote = `${connection}
workloads:
  - name: echo-easy
    intercepts:
      - handler: quote
        port: 80
        localPort: 8080
handlers:
  - name: quote
    environment:
      - name: PORT
        value: "8080"
      - name: WHO
        value: handler
    docker:
      image: jmalloc/echo-server
`;

const block = `   Intercept name         : echo-easy
   State                  : ACTIVE
   Workload kind          : Deployment
   Destination            : 127.0.0.1:8080
   Service Port Identifier: proxied
   Intercepting           : all TCP requests
`;

const started = 'Intercept spec "telepresence.spec" started successfully, use ctrl-c to cancel.\n';

test('intercept, handler, output, and Ctrl-C; a connection that was there stays', async () => {
  const path = await files.write('telepresence.spec.yaml', quote);
  const command = await startTelepresence([...run, path]);
  await command.prints(/Echo server listening on port 8080\.\n/);
  const { stdout: names } = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
  assert.match(names, /^tp-quote$/m);
  assert.match(await echo.askInCluster(), /Request served by/);
  const look = 'echo $WHO $GREETING; ls /etc/hello';
  const inside = await onLaptop(['docker', 'exec', 'tp-quote', 'sh', '-c', look]);
  assert.match(inside.stdout, /^handler of the pod\n\S+\n/);
  await command.interrupt();
  const { status, stdout, stderr } = await command.ended;
  assert.equal(stderr, '');
  const lines = stdout.split('\n').filter((line) => !/^quote  \| .*(?:\||GET)/.test(line));
  assert.equal(
    lines.slice(0, 8).join('\n'),
    `${block}${started}quote  | Echo server listening on port 8080.`,
  );
  assert.equal(status, 0);
  await echo.nothingIsLeft();
  assert.match(await echo.askInCluster(), /^app echo-easy-/);
  assert.match((await telepresence(['status'])).stdout, /Connected/);
});
