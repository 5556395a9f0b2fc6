import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from './command.ts';
import { removeOurs } from './ours.ts';

const { signal } = new AbortController();

test('networks of projects whose connection is over are left by others, and removed', async () => {
  const ran: string[] = [];
  const run: DockerCommand['run'] = async (args) => {
    const said = args.join(' ');
    const [what, how] = args;
    const answer = (stdout: string) => ({ status: 0, stdout, stderr: '' });
    if (what === 'network' && how === 'ls') {
      return answer(said.includes('=telepresence.connection') ? 'n1\tover\nn2\tlives\n' : '');
    }
    if (what === 'ps' && said.includes('network=n1')) return answer('other-sandbox\n');
    if (what === 'network') ran.push(said);
    return answer('');
  };
  const docker: DockerCommand = { path: 'docker', env: {}, run };
  const of = { laptop: 'L', network: 'telepresence', signal };
  await removeOurs({ docker }, of, (connection) => connection === 'over');
  assert.deepEqual(ran, ['network disconnect --force n1 other-sandbox', 'network rm n1']);
});
