import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountedForDocker } from './mounted-for-docker.ts';

const at = '/tmp/telfs-1';
const mounts = (kind: string, options: string) => async () => `x ${at} ${kind} ${options} 0 0\n`;
const ask = async (more: Partial<Parameters<typeof mountedForDocker>[1]> = {}, mountError = '') =>
  await mountedForDocker(
    { mountPoint: at, mountError },
    {
      root: undefined,
      readOnly: false,
      uid: 0,
      readMounts: mounts('fuse.sshfs', 'rw,user_id=1000'),
      ...more,
    },
  );

test('the directory of this machine, at the same place or another', async () => {
  assert.deepEqual(await ask(), { args: ['-v', `${at}:${at}`] });
  assert.deepEqual(await ask({ root: '/pod' }), { args: ['-v', `${at}:/pod`] });
  assert.deepEqual((await ask({ readOnly: true })).args, ['-v', `${at}:${at}:ro`]);
  assert.deepEqual(await ask({}, 'no agent'), { args: [] });
});

test('what Docker would not see is not given to it, and that is said', async () => {
  const { args, note } = await ask({ uid: 1000 });
  assert.deepEqual(args, []);
  assert.match(note ?? '', /Docker, which is root, does not see/);
  const shown = mounts('fuse.sshfs', 'rw,user_id=1000,allow_other');
  assert.equal((await ask({ uid: 1000, readMounts: shown })).args.length, 2);
  // A copy is an ordinary directory.
  assert.equal((await ask({ uid: 1000, readMounts: async () => '' })).args.length, 2);
});
