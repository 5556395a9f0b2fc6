import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AgentError } from '../error.ts';
import { applyRules, refuseHostNetwork } from './apply.ts';
import { agentRules } from './rules.ts';

const never = new AbortController().signal;

test('what nft says is in the error', async () => {
  await assert.rejects(applyRules({ rules: 'x', nft: 'false' }, never), AgentError);
  await assert.rejects(applyRules({ rules: 'x', nft: '/nowhere/nft' }, never), {
    code: 'RulesRefused',
    message: 'start /nowhere/nft',
  });
  await applyRules({ rules: agentRules(), nft: 'true' }, never);
});

test("a pod with its node's address is refused", () => {
  const refused = { code: 'HostNetwork' };
  assert.throws(() => refuseHostNetwork({ podIp: '10.0.0.1', hostIp: '10.0.0.1' }), refused);
  refuseHostNetwork({ podIp: '10.1.0.1', hostIp: '10.0.0.1' });
  refuseHostNetwork({ podIp: '10.1.0.1', hostIp: undefined });
  refuseHostNetwork({ podIp: undefined, hostIp: undefined });
});

test('the rules are these', (t) => {
  t.assert.snapshot(agentRules(), { serializers: [(text: string) => text] });
});
