import assert from 'node:assert/strict';
import { test } from 'node:test';

import { agentConfigVariable, agentPodIpVariable } from '#protocol/agent-config.ts';

import { parseAgentStart } from './config.ts';

const config = {
  version: 1,
  manager: { host: 'traffic-manager-agents.ambassador', port: 8081 },
  ca: ['PEM'],
  take: 'redirect',
  containers: [{ name: 'app', envPrefix: 'A_' }],
};

test('a whole configuration is read, with what it leaves out', () => {
  const start = parseAgentStart({
    [agentConfigVariable]: JSON.stringify(config),
    [agentPodIpVariable]: '10.1.2.3',
  });
  assert.deepEqual(start.podIps, ['10.1.2.3']);
  assert.deepEqual(start.config, {
    ...config,
    renamed: [],
    containers: [{ name: 'app', envPrefix: 'A_', mounts: [] }],
    logLevel: 'info',
    excludedEnvironment: [],
  });
});

test('what is wrong is named', () => {
  const read = (text: string | undefined, podIp: string | undefined) => () =>
    parseAgentStart({ [agentConfigVariable]: text, [agentPodIpVariable]: podIp });
  const whole = JSON.stringify(config);
  assert.throws(read(undefined, '10.0.0.1'), { message: /CONFIG is not set/ });
  assert.throws(read(whole, undefined), { message: /POD_IP is not set/ });
  assert.throws(read('{', '10.0.0.1'), { message: /not JSON/ });
  assert.throws(read(JSON.stringify({ ...config, take: 'both' }), '10.0.0.1'), {
    code: 'ConfigInvalid',
    message: /take/,
  });
});
