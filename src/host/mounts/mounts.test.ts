import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeRemoteMounts } from './remote-mounts.fake.ts';
import { holdRemoteMountsContract } from './remote-mounts.contract.ts';
import { ownMountPoints } from './mount-table.ts';

test('the fake mounts do what the kernel’s do', async () => {
  await holdRemoteMountsContract(createFakeRemoteMounts());
});

test('ours in the mount table, blanks and all', () => {
  const table = [
    'telepresence:/ /tmp/telfs-1 fuse.sshfs rw,nosuid,nodev 0 0',
    String.raw`telepresence:/ /tmp/a\040b\134c fuse.sshfs ro 0 0`,
    'me@host:/ /mnt fuse.sshfs rw 0 0',
    'telepresence:/ /mnt2 ext4 rw 0 0',
    '',
  ].join('\n');
  assert.deepEqual([...ownMountPoints(table)], ['/tmp/telfs-1', '/tmp/a b\\c']);
});
