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
  assert.throws(() => refuseHostNetwork({ podIps: ['10.0.0.1'], hostIps: ['10.0.0.1'] }), refused);
  const second = { podIps: ['10.1.0.1', 'fd00::1'], hostIps: ['10.0.0.1', 'fd00::1'] };
  assert.throws(() => refuseHostNetwork(second), refused);
  refuseHostNetwork({ podIps: ['10.1.0.1', 'fd00::2'], hostIps: ['10.0.0.1', 'fd00::1'] });
  refuseHostNetwork({ podIps: ['10.1.0.1'], hostIps: [] });
  refuseHostNetwork({ podIps: [], hostIps: [] });
});

test('the rules are these', (t) => {
  t.assert.snapshot(agentRules(), { serializers: [(text: string) => text] });
});
