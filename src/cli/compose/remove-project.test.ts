import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptDocker } from '../handler/script-docker.fixture.ts';
import { removePorts, removeVolumes } from './remove-project.ts';
import { takeBack } from './take-back.ts';
import { runTraces } from '../specification/handlers/run-traces.fixture.ts';

function telling(): { readonly context: Parameters<typeof takeBack>[0]; readonly told: string[] } {
  const told: string[] = [];
  const output = {
    out: () => {},
    err: (line: string) => void told.push(line),
    follow: async () => {},
  };
  const traces = runTraces('mine', '/nowhere', () => void told.push('doubt'));
  return { context: { output, traces }, told };
}

test('what fails is said, is the watcher’s, and stops nothing', async () => {
  const { context, told } = telling();
  const failing = async (): Promise<boolean> => await Promise.reject(new Error('a deadline'));
  assert.equal(await takeBack(context, 'the network back', failing), false);
  assert.deepEqual(told, ['warning: the network back may be left: a deadline', 'doubt']);
  assert.equal(await takeBack(context, 'it', async () => await Promise.resolve(true)), true);
  assert.equal(told.length, 2);
});

test('of the name that publishes ports only what has the run’s label is removed', async () => {
  const { context, told } = telling();
  // The engine filters: there is a container of that name, and the label is another run's.
  await using users = await scriptDocker(
    'echo "$*" >>$HERE/ran; case "$*" in *label=telepresence.ports=mine*) ;; ps*) echo users;; esac',
  );
  await removePorts(context, users.docker, 'shop-handlers-ports');
  assert.doesNotMatch(await users.read('ran'), /^rm/m);
  await using ours = await scriptDocker('echo "$*" >>$HERE/ran; case $1 in ps) echo p1;; esac');
  await removePorts(context, ours.docker, 'shop-handlers-ports');
  assert.match(
    await ours.read('ran'),
    /^ps .*name=.*shop-handlers-ports\$\nrm --force --volumes p1$/m,
  );
  assert.deepEqual(told, []);
});

test('a volume that is held is a doubt', async () => {
  const { context, told } = telling();
  await using docker = await scriptDocker('exit 1');
  await removeVolumes(context, docker.docker, []);
  assert.deepEqual(told, []);
  await removeVolumes(context, docker.docker, ['shop-0']);
  assert.deepEqual(told, ['doubt']);
});
