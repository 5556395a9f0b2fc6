/** What goes wrong with a daemon in a container: bad engines, a container that is killed, an engine that is stopped; and its logs. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { strFromU8, unzipSync } from 'fflate';
import { version } from '#base/version.ts';
import { firstLaptop } from '../playground/addresses.ts';
import { stopEngine } from '../playground/docker/engine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { makeImageParts } from './docker/laptop-docker.ts';
import { wrapDocker } from './docker/wrapped-docker.ts';
import { eventually } from './eventually.ts';
import { prepare } from './prepare.ts';
import { kubectl, onLaptop, telepresence, type RunOptions } from './run.ts';

const { layout } = settingsFrom(process.env);
const image = `telepresence/telepresence:${version}`;
const name = 'e2e-trouble';
const daemon = `tp-${name}-daemon`;
const handler = 'e2e-trouble-handler';
let folder = '';

const connect = (options: RunOptions = {}): ReturnType<typeof telepresence> =>
  telepresence(['connect', '--docker', '--name', name, '--namespace', 'demo'], {
    mayFail: true,
    deadlineMs: 180_000,
    ...options,
  });
const docker = async (...args: readonly string[]): Promise<string> =>
  (await onLaptop(['docker', ...args])).stdout.trim();
const ours = (): Promise<string> =>
  docker('ps', '-a', '--filter', 'label=telepresence.connection', '--format', '{{.Names}}');
const fromPod = (): Promise<string> =>
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
    'http://hello',
  );

/** Its one sentence, and the next step. */
async function refuses(words: RegExp, options: RunOptions): Promise<void> {
  const { status, stdout, stderr } = await connect(options);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, words);
  assert.ok(stderr.trim().split('\n').length <= 2, stderr);
}

before(async () => {
  await prepare();
  await makeImageParts();
  folder = await mkdtemp(join(tmpdir(), 'docker-trouble-'));
  await telepresence(['quit', '-s'], { mayFail: true });
});
afterEach(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['docker', 'rm', '-f', handler], { mayFail: true });
});
after(async () => {
  await rm(folder, { recursive: true });
});

test('no docker command, Windows containers, another machine’s engine, and one that is too old', async () => {
  const path = `${layout.bin}-none:/usr/bin:/bin`;
  const asked = ['connect', '--docker', '--name', name];
  const found = await onLaptop([join(layout.bin, 'telepresence'), ...asked], {
    mayFail: true,
    env: { PATH: path },
  });
  assert.match(
    found.stderr,
    /^telepresence connect: error: there is no docker command on PATH\ninstall Docker: https:/,
  );
  await using windows = await wrapDocker(
    `if [ "$1" = version ]; then "$REAL" "$@" | sed 's/"Os":"linux"/"Os":"windows"/g'; else exec "$REAL" "$@"; fi`,
  );
  await refuses(
    /error: the Docker Engine runs windows containers, and ours are Linux\nswitch Docker Desktop/,
    windows,
  );
  await refuses(/error: no answer from Docker at tcp:\/\/127\.0\.0\.1:1|Docker cannot be reached/, {
    env: { DOCKER_HOST: 'tcp://127.0.0.1:1' },
  });
  await refuses(
    /error: \S*docker speaks Docker's API 1\.99 and the engine none newer than 1\.\d+\nupgrade the older/,
    { env: { DOCKER_API_VERSION: '1.99' } },
  );
});

test('an engine that withholds rights is named by the self-test, and nothing is left', async () => {
  await using stingy = await wrapDocker(
    `args=(); for each; do [ "$each" = --cap-add=NET_ADMIN ] || args+=("$each"); done; exec "$REAL" "\${args[@]}"`,
  );
  await refuses(
    /error: the Docker Engine gives containers no right to their own network, though NET_ADMIN was asked for\n/,
    stingy,
  );
  assert.equal(await ours(), '');
});

test('gather-logs has the helper’s log and both daemons’, of connections that there are and that there were', async () => {
  assert.equal((await connect()).status, 0);
  const path = join(folder, 'logs.zip');
  const read = async (...flags: readonly string[]): Promise<Record<string, string>> => {
    const { stderr } = await telepresence(['gather-logs', '-o', path, ...flags], { mayFail: true });
    assert.doesNotMatch(stderr, /connector|daemon\.log/);
    const files = unzipSync(await readFile(path));
    return Object.fromEntries(Object.entries(files).map(([of, bytes]) => [of, strFromU8(bytes)]));
  };
  const live = await read();
  assert.match(live['docker-helper.log'] ?? '', /connection in a container/);
  assert.match(live[`${daemon}.user-daemon.log`] ?? '', /"event":"connected"/);
  assert.match(live[`${daemon}.root-daemon.log`] ?? '', /"event"/);
  assert.doesNotMatch(live[`${daemon}.root-daemon.log`] ?? '', /user daemon runs/);
  assert.ok(Object.keys(live).some((each) => each.startsWith('traffic-manager-')));
  for (const text of Object.values(live)) assert.doesNotMatch(text, /PRIVATE KEY|Bearer /);
  const some = await read(
    '--daemons',
    'root',
    '--traffic-manager=false',
    '--traffic-agents',
    'None',
  );
  assert.deepEqual(
    Object.keys(some).filter((each) => /helper|user-daemon/.test(each)),
    [],
  );
  await telepresence(['quit']);
  const over = await read('--traffic-manager=false', '--traffic-agents', 'None');
  assert.match(over[`${daemon}.user-daemon.log`] ?? '', /user daemon ends/);
});

test('the daemon is killed: pods are answered by their app, nothing is left, the next connection works', async () => {
  assert.equal((await connect()).status, 0);
  const serve = `require('node:http').createServer((_, out) => out.end('laptop\\n')).listen(8080, () => console.log('here'))`;
  await docker(
    'run',
    '-d',
    `--name=${handler}`,
    `--network=container:tp-${name}`,
    '--entrypoint=node',
    image,
    '-e',
    serve,
  );
  await telepresence(['intercept', 'hello', '--port', '8080']);
  await eventually('the handler answers', 20_000, async () => {
    assert.equal(await fromPod(), 'laptop\n');
  });
  await docker('kill', daemon);
  await eventually('its containers are removed', 20_000, async () => {
    assert.equal(await ours(), '');
  });
  await eventually('the app answers', 20_000, async () => {
    assert.notEqual(await fromPod(), 'laptop\n');
  });
  assert.match((await telepresence(['status'])).stdout, /Not running/);
  const { status, stderr } = await telepresence(['list'], { mayFail: true });
  assert.equal(status, 1);
  assert.match(stderr, /error: not connected to a cluster\n/);
  assert.equal((await connect()).status, 0);
  assert.match((await telepresence(['list', '-i'])).stdout, /No Workloads/);
});

test('the engine is stopped and started: the connection is over, and the next one works', async () => {
  assert.equal((await connect()).status, 0);
  const signal = AbortSignal.timeout(60_000);
  await stopEngine(layout, firstLaptop, { kill: false, signal });
  await eventually('the helper has seen it', 30_000, async () => {
    const { stdout } = await telepresence(['status'], { engine: false });
    assert.match(stdout, /Not running/);
  });
  const refused = await connect({ engine: false });
  assert.match(refused.stderr, /error: Docker does not run at unix:/);
  assert.equal((await connect()).status, 0);
  assert.deepEqual((await ours()).split('\n').toSorted(), [`tp-${name}`, daemon]);
  assert.match((await telepresence(['list'])).stdout, /^hello/m);
});
