import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLibc } from '#host/libc.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { runTool } from '#host/run-tool.ts';
import { openTun } from '#host/tun.ts';
import { selfTest } from './self-test.ts';

enterOwnNetworkNamespace();
const signal = AbortSignal.timeout(20_000);
const open = (aborted: AbortSignal) =>
  openTun({ libc: openLibc(), runTool }, { name: 'tel-probe', ownerUid: 0, signal: aborted });

test('this kernel has everything, and nothing is left of the test', async () => {
  assert.deepEqual(await selfTest({ runTool, openTun: open }, signal), []);
  assert.equal(await runTool({ command: 'nft', args: ['list', 'ruleset'] }, signal), '');
  const links = await runTool({ command: 'ip', args: ['link'] }, signal);
  assert.doesNotMatch(links, /tel-probe/);
});

test('a kernel without an expression is found out by nft itself', async () => {
  const without: typeof runTool = (call, aborted) =>
    runTool(
      { ...call, input: call.input?.replace('redirect to :2', 'no-such-thing') ?? '' },
      aborted,
    );
  const missing = await selfTest({ runTool: without, openTun: open }, signal);
  assert.deepEqual(
    missing.map(({ piece }) => piece),
    ['redirect'],
  );
});
