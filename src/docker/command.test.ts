import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDockerCommand } from './command.ts';

const signal = AbortSignal.timeout(10_000);

/** A `docker` that is a script, alone on PATH but for the shell's own tools. */
async function fakeDocker(script: string) {
  const directory = await mkdtemp(join(tmpdir(), 'docker-command-'));
  const path = join(directory, 'docker');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = { PATH: `${directory}:/usr/bin:/bin`, KEPT: 'yes' };
  const docker = await openDockerCommand({ env, platform: 'linux' });
  return { path, docker, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test("the user's environment, and more where it is asked for", async () => {
  await using fake = await fakeDocker('echo "$KEPT $MORE $*"');
  assert.equal(fake.docker.path, fake.path);
  const { stdout } = await fake.docker.run(['ps', '-a'], { signal, env: { MORE: 'a\nb' } });
  assert.equal(stdout, 'yes a\nb ps -a\n');
});

test('what fails is read, or returned', async () => {
  await using fake = await fakeDocker('echo "Error: No such image: x" >&2; exit 7');
  await assert.rejects(fake.docker.run(['image', 'inspect', 'x'], { signal }), {
    code: 'CommandFailed',
    message: 'No such image: x',
  });
  const { status } = await fake.docker.run([], { signal, mayFail: true });
  assert.equal(status, 7);
});

test('no docker command', async () => {
  await assert.rejects(openDockerCommand({ env: { PATH: '/nowhere' }, platform: 'linux' }), {
    code: 'NoCommand',
    message: 'there is no docker command on PATH',
  });
});

test('input is streamed to its end; a command that stops reading is judged by its status', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x');
  const many = async function* (): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 20; index += 1) yield chunk;
  };
  await using reads = await fakeDocker('wc -c');
  const { stdout } = await reads.docker.run(['load'], { signal, input: many() });
  assert.equal(Number(stdout), 20 << 20);
  await using stops = await fakeDocker('echo "no space left on device" >&2; exit 1');
  await assert.rejects(stops.docker.run(['load'], { signal, input: many() }), {
    message: 'no space left on device',
  });
});

test('input that fails is not a success', async () => {
  await using fake = await fakeDocker('cat >/dev/null');
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x');
    throw new Error('a file is gone');
  };
  await assert.rejects(fake.docker.run(['load'], { signal, input: broken() }), /a file is gone/);
});

test('whoever gives up ends it', async () => {
  await using fake = await fakeDocker('exec sleep 60');
  const stop = new AbortController();
  const run = fake.docker.run(['ps'], { signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(run, /enough/);
});

test('detached: in a process group of its own, where the terminal reaches nobody', async () => {
  await using fake = await fakeDocker('echo $(ps -o pgid= -p $$) $$');
  const own = await fake.docker.run(['ps'], { signal, detached: true });
  const [group, pid] = own.stdout.trim().split(' ');
  assert.equal(group, pid);
  const ours = await fake.docker.run(['ps'], { signal });
  const [shared, other] = ours.stdout.trim().split(' ');
  assert.notEqual(shared, other);
});
