/** `telepresence connect --docker` on the laptop's real Docker Engine, to the real cluster, and its end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeImageParts } from './docker/laptop-docker.ts';
import { eventually } from './eventually.ts';
import { machineState } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { kubectl, onLaptop, telepresence } from './run.ts';

const server = 'https://198.18.0.1:6443';
const name = 'e2e-docker';
const sandbox = `tp-${name}`;
let image = '';

/** What is ours on the engine: containers and networks. */
async function ours(): Promise<string[]> {
  const labelled = ['--filter', 'label=telepresence.laptop', '--format'];
  const containers = await onLaptop(['docker', 'ps', '--all', ...labelled, '{{.Names}}']);
  const networks = await onLaptop(['docker', 'network', 'ls', ...labelled, '{{.Name}}']);
  return `${containers.stdout}${networks.stdout}`.split('\n').filter(Boolean).toSorted();
}

async function connectInDocker(): Promise<void> {
  const asked = ['connect', '--docker', '--name', name, '--namespace', 'demo'];
  const { stdout, stderr } = await telepresence(asked, { deadlineMs: 180_000 });
  assert.equal(stderr, '');
  assert.match(stdout, new RegExp(`^Connected to context \\S+ \\(${server}\\)\n$`));
}

/** What a container of the sandbox's network has for an answer. */
async function inside(script: string): Promise<string> {
  const network = ['--network', `container:${sandbox}`];
  const argv = ['docker', 'run', '--rm', ...network, '--entrypoint=sh', image, '-c', script];
  return (await onLaptop(argv)).stdout.trim();
}

const ask = (url: string): string =>
  `node -e 'fetch(${JSON.stringify(url)}).then((r) => r.text()).then((t) => console.log(t))'`;

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
});

test('Docker is stopped: one sentence and the next step', async () => {
  const asked = ['connect', '--docker', '--name', name];
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const { status, stdout, stderr } = await telepresence(asked, { mayFail: true, env });
  assert.equal(status, 1);
  assert.equal(stdout, '');
  const [first = '', second = '', ...more] = stderr.trim().split('\n');
  assert.match(first, /^telepresence connect: error: Docker does not run at unix:\/\/\/nowhere/);
  assert.match(second, /^start Docker/);
  assert.deepEqual(more, []);
});

test('connected in a container, and only there', async () => {
  const before = await machineState();
  await connectInDocker();
  const found = await onLaptop(['docker', 'inspect', '-f', '{{.Config.Image}}', sandbox]);
  image = found.stdout.trim();
  assert.deepEqual(await ours(), ['telepresence', sandbox, `${sandbox}-daemon`]);
  const { stdout } = await telepresence(['status']);
  assert.match(stdout, new RegExp(`^  Container network {1,3}: container:${sandbox}$`, 'm'));
  assert.match(stdout, /^ {2}Status +: Connected$/m);
  assert.equal(
    (await telepresence(['connect', '--docker', '--name', name, '--namespace', 'demo'])).stdout,
    '',
  );
  const now = await machineState();
  assert.equal(now['resolver'], before['resolver']);
  assert.doesNotMatch(now['nft'] ?? '', /table inet telepresence/);
  assert.doesNotMatch(now['links'] ?? '', /tel0/);
});

test('a container of its network reaches Services by name, and the world as ever', async () => {
  for (const host of ['hello', 'hello.demo', 'hello.demo.svc.cluster.local']) {
    assert.match(await inside(ask(`http://${host}/`)), /\S/, host);
  }
  assert.match(await inside('nslookup outside.example.com'), /203\.0\.113\.10/);
  assert.match(await inside(`nslookup ${sandbox} || true`), /192\.168\.|10\.231\.|172\./);
});

test('the daemon has no more rights than it needs, and nobody is shown its token', async () => {
  const { stdout } = await onLaptop(['docker', 'inspect', `${sandbox}-daemon`, sandbox]);
  assert.match(stdout, /"CapAdd": \[\s+"(CAP_)?NET_ADMIN"\s+\]/);
  assert.doesNotMatch(stdout, /docker\.sock/);
  assert.doesNotMatch(stdout, /[0-9a-f]{64}"[^:]*token|token[^"]*[0-9a-f]{64}/i);
  const port = await onLaptop(['docker', 'port', sandbox]);
  const [, published = ''] = /127\.0\.0\.1:(\d+)/.exec(port.stdout) ?? [];
  const call = `http://127.0.0.1:${published}/telepresence.v1.UserDaemon/Status`;
  const curl = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '-XPOST', '-d', '{}'];
  for (const more of [[], ['-H', `authorization: Bearer ${'0'.repeat(64)}`]]) {
    const asked = [...curl, '-H', 'content-type: application/json', ...more, call];
    assert.equal((await onLaptop(asked)).stdout, '401');
  }
});

test('beside it this machine itself does not connect, and says what to do', async () => {
  const { status, stderr } = await telepresence(['connect'], { mayFail: true });
  assert.equal(status, 1);
  assert.match(stderr, /a container is connected to context \S+, namespace demo \(e2e-docker\)\n/);
  assert.match(stderr, /telepresence quit/);
});

test('what would have to be on this machine is refused: a command after --, a mount', async () => {
  for (const [words, says] of [
    [['--', 'true'], /error: a command after -- runs on this machine.*\nrun it in a container/],
    [['--mount=true'], /error: --mount: a daemon in a container does not show volumes\n/],
  ] as const) {
    const { status, stderr } = await telepresence(['intercept', 'hello', ...words], {
      mayFail: true,
    });
    assert.match(stderr, says);
    assert.equal(status, 1);
  }
  assert.match((await telepresence(['list', '-i'])).stdout, /No Workloads/);
});

test('a second connection beside it has a name of its own, and has to be chosen', async () => {
  const second = ['connect', '--docker', '--name', 'e2e-other', '--namespace', 'default'];
  await telepresence(second, { deadlineMs: 120_000 });
  const { status, stderr } = await telepresence(['list'], { mayFail: true });
  assert.equal(status, 1);
  assert.match(stderr, /there are 2 connections: e2e-docker \(.*, namespace demo\), e2e-other \(/);
  assert.match((await telepresence(['list', '--use', 'e2e-docker'])).stdout, /^hello/m);
});

test('quit leaves nothing', async () => {
  assert.equal((await telepresence(['quit'])).stdout, 'Disconnected\n');
  assert.deepEqual(await ours(), []);
  const { stdout } = await telepresence(['status']);
  assert.doesNotMatch(stdout, /Container network/);
  assert.doesNotMatch(stdout, /Traffic Manager: Connected/);
});

test('what a killed helper leaves, quit sweeps', async () => {
  await connectInDocker();
  await onLaptop(['pkill', '-KILL', '-f', `docker-helper.*--connection=${name}`]);
  await eventually('the daemon is found to be gone', 5000, async () => {
    assert.doesNotMatch((await telepresence(['status'])).stdout, /Container network/);
  });
  assert.equal((await telepresence(['quit'])).stdout, 'Disconnected\n');
  assert.deepEqual(await ours(), []);
  // Nobody could say goodbye to the cluster: the next connection of that name does.
  await connectInDocker();
  const connections = async (): Promise<string[]> =>
    (await kubectl('get', 'connections', '-n', 'demo', '-o', 'name')).split('\n').filter(Boolean);
  await eventually('the old Connection is gone', 10_000, async () => {
    assert.equal((await connections()).length, 1);
  });
  await telepresence(['quit']);
  assert.deepEqual(await connections(), []);
});
