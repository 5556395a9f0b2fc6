import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from '#docker/command.ts';
import { removeHandler } from './remove-handler.ts';

const traces = { id: 'mine', directory: '/nowhere/run-1' };
const { signal } = new AbortController();

/** An engine that has this of a run, and does not remove what is held. */
function fakeDocker(has: Readonly<Record<string, string>>, held = ''): DockerCommand {
  const run: DockerCommand['run'] = async (args) => {
    const [what = ''] = args;
    const status = args.includes(held) ? 1 : 0;
    const isList = what === 'ps' || args[1] === 'ls';
    return { status, stdout: isList ? (has[what] ?? '') : '', stderr: '' };
  };
  return { path: 'docker', env: {}, run };
}

test('volumes and images are something that came, as containers are', async () => {
  const docker = fakeDocker({ ps: 'c1\nc2\n', volume: 'v1\n', image: 'i1\ni1\n' });
  assert.deepEqual(await removeHandler({ docker }, traces, signal), { came: 4, isAll: true });
  const none = fakeDocker({});
  assert.deepEqual(await removeHandler({ docker: none }, traces, signal), { came: 0, isAll: true });
});

test('a volume that somebody else holds does not come again and again', async () => {
  const docker = fakeDocker({ volume: 'v1\n' }, 'v1');
  assert.deepEqual(await removeHandler({ docker }, traces, signal), { came: 0, isAll: false });
});
