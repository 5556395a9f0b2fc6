import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { emptyDirectory, holdRemoteMountsContract } from './remote-mounts.contract.ts';
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

test('an sshfs that is killed leaves no mount that answers nothing', async () => {
  const mounts = createSshfsMounts({ clock: systemClock });
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const { signal } = new AbortController();
  const stream = emptyDirectory().stream;
  const mount = await mounts.mount({ mountPoint: base, readOnly: true, stream, signal });
  execFileSync('pkill', ['-KILL', '-f', `^sshfs .* ${base}$`]);
  assert.equal(await mount.ended, 'SIGKILL');
  assert.equal(await mounts.isMounted(base), false);
  assert.deepEqual(readdirSync(base), []);
  rmdirSync(base);
});

test('where nobody answers nothing is said to be mounted', async () => {
  const mounts = createSshfsMounts({ clock: systemClock });
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const [stream, silent] = duplexPair();
  silent.resume();
  const signal = AbortSignal.timeout(500);
  await assert.rejects(mounts.mount({ mountPoint: base, readOnly: true, stream, signal }));
  assert.equal(await mounts.isMounted(base), false);
  rmdirSync(base);
});
