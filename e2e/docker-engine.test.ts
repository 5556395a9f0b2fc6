/** The laptop's real Docker Engine, our image on it, and what holds a network when a daemon dies. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as v from 'valibot';
import { envText } from '#cli/output/env-syntax.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { EngineFacts } from '#docker/engine-facts.ts';
import { readEngine } from '#docker/engine.ts';
import { prepareImage } from '#docker/image/prepare-image.ts';
import { daemonRights, parseSelfTest, testEngineKernel } from '#docker/self-test.ts';
import { settingsFrom } from '../playground/settings.ts';
import { dockerOnLaptop, makeImageParts } from './docker/laptop-docker.ts';
import { everything } from './env/hostile.ts';
import { eventually } from './eventually.ts';
import { prepare } from './prepare.ts';
import { onLaptop } from './run.ts';

const root = new URL('..', import.meta.url).pathname;
const { layout } = settingsFrom(process.env);
const signal = AbortSignal.timeout(300_000);
const label = 'telepresence-e2e=docker-engine';
const owned = new AsyncDisposableStack();
const variables = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));
let docker: DockerCommand;
let facts: EngineFacts;
let image = '';

async function prepared(): Promise<readonly string[]> {
  const lines: string[] = [];
  const progress = (line: string): void => void lines.push(line);
  const cacheDirectory = join(layout.state, 'laptop', 'home', '.cache', 'telepresence');
  const { env } = process;
  const deps = { docker, facts, root, cacheDirectory, env, platform: 'linux', progress } as const;
  image = await prepareImage(deps, { registry: undefined }, signal);
  return lines;
}

/** Starts a container in the background; the tests' end removes it. */
async function start(name: string, ...args: readonly string[]): Promise<void> {
  await docker.run(['run', '--detach', `--label=${label}`, `--name=${name}`, ...args], { signal });
}

/** What a container prints until its end. */
async function output(...args: readonly string[]): Promise<string> {
  return (await docker.run(['run', '--rm', `--label=${label}`, ...args], { signal })).stdout.trim();
}

before(async () => {
  await prepare();
  await makeImageParts();
  const laptop = owned.use(await dockerOnLaptop());
  docker = laptop.docker;
  owned.defer(async () => {
    const found = await docker.run(['ps', '-aq', `--filter=label=${label}`], { signal });
    const ids = found.stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await docker.run(['rm', '-f', ...ids], { signal });
    await docker.run(['network', 'prune', '-f', `--filter=label=${label}`], { signal });
  });
  facts = await readEngine({ docker }, signal);
});
after(() => owned.disposeAsync());

test('the engine says what it is, and keeps all that is its own on the laptop', async () => {
  const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
  assert.deepEqual([facts.kind, facts.os, facts.architecture], ['docker', 'linux', own]);
  assert.deepEqual([facts.rootless, facts.isOnThisMachine], [false, true]);
  assert.equal(facts.endpoint, 'unix:///var/run/docker.sock');
  const files = await docker.run(['info', '--format', '{{.DockerRootDir}}'], { signal });
  assert.equal(files.stdout.trim(), join(layout.state, 'laptop', 'docker'));
  const { stdout } = await onLaptop(['nft', 'list', 'chain', 'ip', 'nat', 'DOCKER']);
  assert.match(stdout, /chain DOCKER/);
  assert.match((await onLaptop(['docker', 'compose', 'version'])).stdout, /v?2\.\d+/);
});

test('the engine is given our image once, and what it runs is called telepresence', async () => {
  const lines = await prepared();
  assert.match(image, /^telepresence\/telepresence:\d+\.\d+\.\d+$/);
  for (const line of lines) assert.match(line, /^Making image telepresence\/telepresence:/);
  assert.deepEqual(await prepared(), [], 'it has exactly this one now');
  await start('e2e-version', image, 'version');
  const format = ['--all', '--filter=name=e2e-version', '--format', '{{.Image}} {{.Command}}'];
  const { stdout } = await docker.run(['ps', ...format], { signal });
  assert.equal(stdout.trim(), `${image} "telepresence version"`);
  await docker.run(['wait', 'e2e-version'], { signal });
  const said = await docker.run(['logs', 'e2e-version'], { signal });
  assert.match(said.stdout, /^Client +: v\d+\.\d+\.\d+/m);
});

test("this engine's kernel has what our daemons need, with their rights alone", async () => {
  await testEngineKernel({ docker }, image, signal);
  // Without the right to change a network nothing can be made; and it is said what.
  const without = daemonRights.filter((right) => !right.startsWith('--cap-add'));
  const args = ['run', '--rm', ...without, '--entrypoint=self-test', image];
  const { status, stdout } = await docker.run(args, { signal, mayFail: true });
  assert.equal(status, 3);
  const pieces = parseSelfTest(stdout)?.map(({ piece }) => piece) ?? [];
  assert.deepEqual(pieces, ['TUN devices', 'nf_tables']);
});

test('what the image brings runs: sshfs for volumes, curl, ip, conntrack', async () => {
  assert.match(await output('--entrypoint=sshfs', image, '--version'), /SSHFS version 3/i);
  assert.match(await output('--entrypoint=curl', image, '--version'), /^curl \d.*OpenSSL/);
  assert.match(await output('--entrypoint=ip', image, '-V'), /iproute2/);
  assert.match(await output('--entrypoint=conntrack', image, '--version'), /conntrack v/);
});

test('docker run --env-file gives a container what --env-syntax docker wrote', async () => {
  const { text, left } = envText('docker', everything);
  const file = join(layout.state, 'e2e-variables');
  await writeFile(file, text);
  const print = 'console.log(JSON.stringify(process.env))';
  const args = [`--env-file=${file}`, '--entrypoint=/usr/bin/node', image, '-e', print];
  const read = v.parse(variables, await output(...args));
  for (const [name, value] of Object.entries(everything)) {
    if (!left.includes(name)) assert.equal(read[name], value, name);
  }
  assert.ok(left.length < Object.keys(everything).length / 2, left.join(' '));
});

test('on a network of its own a container finds another by name, from 127.0.0.11', async () => {
  const network = 'telepresence-e2e-names';
  await docker.run(['network', 'create', `--label=${label}`, network], { signal });
  await start('e2e-named', `--network=${network}`, '--entrypoint=pause', image);
  const on = [`--network=${network}`, '--entrypoint=/usr/bin/node', image, '-e'];
  const lookUp = `
    const { readFileSync } = require('node:fs');
    console.log(/nameserver (.*)/.exec(readFileSync('/etc/resolv.conf', 'utf8'))[1]);
    require('node:dns').resolve4('e2e-named', (error, found) => console.log(error ?? found.join()))`;
  const [server, found] = (await output(...on, lookUp)).split('\n');
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  const { stdout } = await docker.run(['inspect', '--format', format, 'e2e-named'], { signal });
  assert.deepEqual([server, found], ['127.0.0.11', stdout.trim()]);
  // A container that waits does not make Docker wait.
  const began = performance.now();
  await docker.run(['stop', '--time=30', 'e2e-named'], { signal });
  assert.ok(performance.now() - began < 20_000);
});

test('who joins a sandbox keeps its network while another that joined dies and comes back', async () => {
  await start('e2e-sandbox', '--entrypoint=pause', image);
  const join = '--network=container:e2e-sandbox';
  const serve = `require('node:http').createServer((_, out) => out.end('here')).listen(8080)`;
  await start('e2e-daemon', join, '--entrypoint=/usr/bin/node', image, '-e', serve);
  await start('e2e-handler', join, '--entrypoint=pause', image);
  const inHandler = async (...words: readonly string[]): Promise<string> =>
    (await docker.run(['exec', 'e2e-handler', ...words], { signal })).stdout.trim();
  const look = async (): Promise<string> => {
    const page = ['wget', '-q', '-O', '-', 'http://127.0.0.1:8080/'];
    assert.equal(await inHandler(...page), 'here');
    return await inHandler('readlink', '/proc/self/ns/net');
  };
  let before = '';
  await eventually('the daemon serves the handler', 20_000, async () => {
    before = await look();
  });
  await docker.run(['kill', 'e2e-daemon'], { signal });
  await docker.run(['start', 'e2e-daemon'], { signal });
  await eventually('and again after it was killed', 20_000, async () => {
    assert.equal(await look(), before);
  });
});

test('no engine, no right to it and no such context are one sentence each', async () => {
  const asks = async (
    env: Record<string, string>,
    as: readonly string[] = [],
  ): Promise<unknown> => {
    await using laptop = await dockerOnLaptop({ env, as });
    return await readEngine(laptop, signal);
  };
  await assert.rejects(asks({ DOCKER_HOST: 'unix:///run/nobody.sock' }), {
    code: 'NotRunning',
    message: 'Docker does not run at unix:///run/nobody.sock',
  });
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  await assert.rejects(asks({ HOME: '/nonexistent' }, nobody), {
    code: 'NotPermitted',
    message: /^you may not use Docker's socket at unix:\/\/\/var\/run\/docker\.sock \(.*docker\)$/,
  });
  await assert.rejects(asks({ DOCKER_CONTEXT: 'gone' }), {
    code: 'UnknownContext',
    message: 'there is no Docker context gone',
  });
  await assert.rejects(asks({ DOCKER_HOST: 'tcp://127.0.0.1:1' }), { code: 'Unreachable' });
});
