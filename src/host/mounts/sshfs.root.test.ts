import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { holdRemoteMountsContract } from './remote-mounts.contract.ts';
import { createSshfsMounts } from './sshfs.ts';

test('sshfs mounts as the contract says', async () => {
  await holdRemoteMountsContract(createSshfsMounts({ clock: systemClock }));
});

test('a stream that ends before anything was mounted is a failure in words', async () => {
  const [stream, server] = duplexPair();
  server.end();
  server.resume();
  const wish = { mountPoint: '/nowhere', readOnly: true, stream };
  const { signal } = new AbortController();
  await assert.rejects(createSshfsMounts({ clock: systemClock }).mount({ ...wish, signal }), {
    code: 'ToolFailed',
  });
});
