import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '#host/errors.ts';
import type { RunTool } from '#host/run-tool.ts';
import type { TunDevice } from '#host/tun.ts';
import { kernelPieces } from './pieces.ts';
import { selfTest, selfTestReport } from './self-test.ts';

const signal = AbortSignal.timeout(5000);
const device: TunDevice = {
  name: 'tel-probe',
  apply: async () => {},
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};
const openTun = async (): Promise<TunDevice> => device;

test('a piece that nft refuses is named with the reason, and the others are tried all the same', async () => {
  const runTool: RunTool = async ({ input = '' }) => {
    if (input.includes('redirect')) throw new HostError('ToolFailed', 'nft: No such file');
    return '';
  };
  const missing = await selfTest({ runTool, openTun }, signal);
  assert.deepEqual(missing, [
    { piece: 'redirect', option: 'CONFIG_NFT_REDIR', reason: 'nft: No such file' },
  ]);
  assert.deepEqual(JSON.parse(selfTestReport(missing)), { telepresenceSelfTest: 1, missing });
});

test('no device, and no nft at all', async () => {
  const runTool: RunTool = async () => {
    throw new HostError('ToolMissing', 'the program nft is not installed');
  };
  const broken = async (): Promise<TunDevice> => {
    throw new HostError('TunMissing', '/dev/net/tun is missing');
  };
  const missing = await selfTest({ runTool, openTun: broken }, signal);
  assert.deepEqual(
    missing.map(({ piece }) => piece),
    ['TUN devices', 'nf_tables'],
  );
});

test('the pieces have names of their own', () => {
  const names = kernelPieces.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});
