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

/** An engine with one network of a run, in which these are. */
function networkDocker(inIt: string): { readonly docker: DockerCommand; readonly ran: string[] } {
  const ran: string[] = [];
  const members = new Set(inIt.split(' ').filter(Boolean));
  const run: DockerCommand['run'] = async (args) => {
    const [what = '', how = ''] = args;
    const said = args.join(' ');
    const answer = (stdout: string, status = 0) => ({ status, stdout, stderr: '' });
    // Of those that are in it: only the daemon's container is ours.
    if (what === 'ps' && said.includes('network=n1')) {
      return answer(members.has('sandbox') ? 'sandbox\n' : '');
    }
    if (what === 'network' && how === 'ls') {
      const isAsked = said.includes('telepresence.handler=mine');
      return answer(isAsked && !ran.includes('network rm n1') ? 'n1\n' : '');
    }
    if (what === 'network' && how === 'disconnect') members.delete(args[4] ?? '');
    if (what === 'network' && how === 'rm' && members.size > 0) return answer('', 1);
    if (what === 'network') ran.push(said);
    return answer('');
  };
  return { docker: { path: 'docker', env: {}, run }, ran };
}

test('the networks of a project are left by the daemon, and are gone', async () => {
  const { docker, ran } = networkDocker('sandbox');
  assert.deepEqual(await removeHandler({ docker }, traces, signal), { came: 1, isAll: true });
  assert.deepEqual(ran, ['network disconnect --force n1 sandbox', 'network rm n1']);
  assert.deepEqual(await removeHandler({ docker }, traces, signal), { came: 0, isAll: true });
});

test('a network in which somebody else is stays, and does not come again and again', async () => {
  const { docker } = networkDocker('sandbox users');
  assert.deepEqual(await removeHandler({ docker }, traces, signal), { came: 0, isAll: false });
});

test('of one project nothing else of the run is looked for', async () => {
  const asked: string[] = [];
  const run: DockerCommand['run'] = async (args) => {
    asked.push(args.join(' '));
    return { status: 0, stdout: '', stderr: '' };
  };
  await removeHandler({ docker: { path: '', env: {}, run } }, { id: 'x', project: 'shop' }, signal);
  assert.equal(asked.length, 4);
  for (const one of asked) {
    assert.match(one, /telepresence\.handler=x .*com\.docker\.compose\.project=shop/);
  }
});
