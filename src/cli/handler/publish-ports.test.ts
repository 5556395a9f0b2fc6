import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from '#docker/command.ts';
import { publishPorts, unpublishPorts } from './publish-ports.ts';

const { signal } = new AbortController();

/** What is asked of an engine that lists these containers. */
async function published(listed: readonly (readonly string[])[]): Promise<readonly string[]> {
  const ran: string[] = [];
  const run: DockerCommand['run'] = async (args) => {
    ran.push(args.join(' '));
    const lines = listed.map((words) => `${words.join('\t')}\n`).join('');
    return { status: 0, stdout: args[0] === 'ps' ? lines : 'ours:1\n', stderr: '' };
  };
  await publishPorts(
    { docker: { path: 'docker', env: {}, run } },
    {
      id: 'new',
      published: ['8080:80'],
      place: { kind: 'container', network: 'tp-a', connection: 'a' },
      labels: ['telepresence.laptop=me'],
      laptop: 'me',
      name: 'web',
      signal,
    },
  );
  return ran
    .filter((line) => /^(rm|run) /.test(line))
    .map((line) => line.split(' --network')[0] ?? '');
}

const run =
  'run --detach --name=web-ports --label=telepresence.laptop=me --label=telepresence.ports=new';
const removed = 'rm --force --volumes web-ports';

test('what published for a container that is gone makes room', async () => {
  assert.deepEqual(await published([]), [run]);
  assert.deepEqual(await published([['web-ports', 'running', 'me', '', 'old']]), [removed, run]);
  assert.deepEqual(await published([['web-ports', 'exited', 'me', 'h', 'old']]), [removed, run]);
});

test('but not where its container is there or may come, nor what is not ours', async () => {
  const ours = ['web-ports', 'running', 'me', '', 'old'];
  assert.deepEqual(await published([['web', 'exited', 'me', '', ''], ours]), [run]);
  assert.deepEqual(await published([['web-ports', 'running', 'me', 'h', 'old']]), [run]);
  assert.deepEqual(await published([['web-ports', 'running', 'you', '', 'old']]), [run]);
  assert.deepEqual(await published([['web-ports', 'exited', '', '', '']]), [run]);
});

test('taken back by the run that they were made for', async () => {
  const ran: string[] = [];
  const docker: DockerCommand = {
    path: 'docker',
    env: {},
    run: async (args) => {
      ran.push(args.join(' '));
      return { status: 0, stdout: args[0] === 'ps' ? 'p1\n' : '', stderr: '' };
    },
  };
  await unpublishPorts({ docker }, { id: 'new', signal });
  assert.deepEqual(ran, [
    'ps --all --quiet --no-trunc --filter=label=telepresence.ports=new',
    'rm --force --volumes p1',
  ]);
});
