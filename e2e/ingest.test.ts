/** What a container has, on the laptop, and nothing of its traffic. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startEcho } from './echo.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';

const namespace = 'e2e-ingest';
const resources = new AsyncDisposableStack();

async function quiet(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await telepresence(args, { deadlineMs: 90_000 });
  assert.equal(stderr, '', 'nothing on stderr when all is well');
  return stdout;
}

async function sh(script: string): Promise<string> {
  return (await onLaptop(['timeout', '10', 'sh', '-c', script])).stdout.trim();
}

/** The value of one key in the block that is printed. */
function said(block: string, key: string): string {
  return new RegExp(`^ *${key} *: (.+)$`, 'm').exec(block)?.[1] ?? '';
}

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(helloApp({ namespace, name: 'hello', sidecar: true }));
  // Nothing that could be intercepted.
  await apply(helloApp({ namespace, name: 'worker', services: {}, declared: false }));
  await rollOut(namespace);
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

test('environment and volumes of a container, which goes on answering', async () => {
  const text = await quiet('ingest', 'hello', '--env-file', '/tmp/e2e-ingest.env');
  const root = said(text, 'Volume Mount Point');
  assert.deepEqual(text.trimEnd().split('\n'), [
    'Using Deployment hello',
    '    Container name    : app',
    '    Workload kind     : Deployment',
    `    Volume Mount Point: ${root}`,
  ]);
  assert.match(await sh(`cat ${root}/etc/hello/nginx.conf`), /listen 8080/);
  // Also where the pod may write: who only looks writes nothing.
  assert.match(await sh(`grep ' ${root} ' /proc/mounts`), / ro[, ]/);
  const env = await sh('cat /tmp/e2e-ingest.env; rm /tmp/e2e-ingest.env');
  assert.match(env, new RegExp(`^TELEPRESENCE_ROOT=${root}$`, 'm'));
  assert.match(env, /^TELEPRESENCE_CONTAINER=app$/m);
  const url = `http://${await clusterIp(namespace, 'hello')}/`;
  assert.match(await sh(`curl -sS --max-time 5 ${url}`), /^app hello-/);
});

test('many at once, of one workload and of one that nobody could intercept; list, status, detach', async () => {
  const side = await quiet(
    'ingest',
    'hello',
    '--container',
    'sidecar',
    '--env-json',
    '/tmp/e2e.json',
  );
  assert.equal(said(side, 'Container name'), 'sidecar');
  assert.match(await sh('cat /tmp/e2e.json; rm /tmp/e2e.json'), /"WHO": ?"sidecar"/);
  const worker = await quiet('ingest', 'worker', '--mount', 'false');
  assert.equal(said(worker, 'Volume Mount Point'), '');
  const list = await quiet('list');
  assert.match(list, /^hello *: ingested\n {4}Ingest name +: hello\n/m);
  assert.match(list, /Ingest name +: hello\/sidecar\n {4}Container name +: sidecar\n/);
  assert.match(list, /^worker *: ingested\n/m);
  assert.match(await quiet('status'), /Intercepts +: 0 total\n +Ingests +: 3 total\n/);
  const shown = await kubectl('get', 'intercepts', '-n', namespace, '-o', 'wide');
  assert.equal(shown.match(/ingest/g)?.length, 3);

  assert.equal(await quiet('detach', 'hello', '--container', 'sidecar'), '');
  assert.equal(await quiet('leave', 'hello'), '');
  assert.equal(await quiet('detach', 'worker'), '');
  assert.match(await quiet('status'), /Intercepts +: 0 total\n(?! +Ingests)/);
  assert.equal(await sh('grep -c ^telepresence: /proc/mounts; true'), '0');
  const { stderr } = await telepresence(['detach', 'hello'], { mayFail: true });
  assert.match(stderr, /^telepresence detach: error: no intercept is called hello\n/);
});

test('a port of the pod’s localhost, and a command: the ingest ends with it', async () => {
  const script =
    'curl -sS --max-time 5 http://127.0.0.1:9091/; echo "$WHO $TELEPRESENCE_CONTAINER"; ls "$TELEPRESENCE_ROOT/etc/hello"; exit 7';
  const flags = ['--container', 'sidecar', '--to-pod', '9091', '--wait-message', 'begun'];
  const command = ['--', 'sh', '-c', script];
  const told = await telepresence(['ingest', 'hello', ...flags, ...command], { mayFail: true });
  assert.equal(told.status, 7, told.stderr);
  assert.match(told.stdout, /^begun$/m);
  assert.match(told.stdout, /^sidecar hello-\S+$/m);
  assert.match(told.stdout, /^sidecar sidecar$/m);
  assert.match(told.stdout, /^nginx.conf$/m);
  assert.match(await quiet('status'), /Intercepts +: 0 total\n(?! +Ingests)/);
});

test('mistakes: a container, a workload, a port that there is not', async () => {
  const fails = async (...args: readonly string[]): Promise<string> => {
    const { status, stderr } = await telepresence(['ingest', ...args], { mayFail: true });
    assert.equal(status, 1);
    return stderr;
  };
  assert.match(await fails('hello', '--container', 'x'), /no container x; it has app, sidecar\n/);
  assert.match(await fails('helo'), /no .*named helo .*did you mean hello\?/);
  assert.match(await fails('hello', '--port', '80'), /unknown flag: --port/);
  assert.match(await fails('hello', '--mount='), /invalid argument "" for "--mount"/);
  await using _echo = await startEcho({ port: 9101, text: 'laptop' });
  await quiet('ingest', 'hello');
  const { stderr } = await telepresence(['intercept', 'hello', '--port', '9101'], {
    mayFail: true,
  });
  assert.match(stderr, /hello is the name of an ingest of yours\n/);
  await quiet('leave', 'hello');
});
