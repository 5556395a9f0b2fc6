import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DockerCommand } from './command.ts';
import { parseSelfTest, testEngineKernel } from './self-test.ts';

const signal = AbortSignal.timeout(10_000);
const report = (missing: readonly object[]): string =>
  `${JSON.stringify({ telepresenceSelfTest: 1, missing })}\n`;

function docker(result: { status: number; stdout?: string; stderr?: string }): DockerCommand {
  const run: DockerCommand['run'] = async () => ({ stdout: '', stderr: '', ...result });
  return { path: '/usr/bin/docker', env: {}, run };
}

test('a kernel that has everything', async () => {
  await testEngineKernel({ docker: docker({ status: 0, stdout: report([]) }) }, 'image', signal);
});

test('each missing piece is named', async () => {
  const missing = [
    { piece: 'redirect', option: 'CONFIG_NFT_REDIR', reason: 'nft said no' },
    { piece: 'TUN devices', option: 'CONFIG_TUN', reason: 'no device' },
  ];
  await assert.rejects(
    testEngineKernel({ docker: docker({ status: 3, stdout: report(missing) }) }, 'image', signal),
    {
      code: 'KernelLacks',
      message: /lacks redirect \(CONFIG_NFT_REDIR\), TUN devices \(CONFIG_TUN\)$/,
    },
  );
});

test('an engine that withholds the right is told from a kernel that lacks a piece', async () => {
  const missing = [
    { piece: 'TUN devices', option: 'CONFIG_TUN', reason: 'a TUN device needs root: ioctl: EPERM' },
    {
      piece: 'nf_tables',
      option: 'x',
      reason: 'cache initialization failed: Operation not permitted',
    },
  ];
  await assert.rejects(
    testEngineKernel({ docker: docker({ status: 3, stdout: report(missing) }) }, 'image', signal),
    { code: 'EngineUnfit', message: /gives containers no right to their own network/ },
  );
});

test('Docker itself refuses a device that is not there', async () => {
  const stderr =
    'docker: Error response from daemon: error gathering device information while adding custom device "/dev/net/tun": no such file or directory.\n';
  await assert.rejects(
    testEngineKernel({ docker: docker({ status: 125, stderr }) }, 'image', signal),
    {
      code: 'KernelLacks',
      message: /TUN devices \(CONFIG_TUN\)$/,
    },
  );
});

test('a container that cannot be started is no question of the kernel', async () => {
  const stderr =
    'Unable to find image locally\ndocker: Error response from daemon: no such image.\n';
  await assert.rejects(
    testEngineKernel({ docker: docker({ status: 125, stderr }) }, 'image', signal),
    {
      code: 'CommandFailed',
      message: 'no such image',
    },
  );
});

test('noise around the report is not the report', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      assert.deepEqual(parseSelfTest(`${before}\n${report([])}${after}`), []);
      const found = parseSelfTest(before);
      assert.ok(found === undefined || found.length === 0);
    }),
  );
});
