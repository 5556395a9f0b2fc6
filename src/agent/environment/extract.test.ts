import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { containerEnvironment } from './extract.ts';

const app = { envPrefix: '_TEL_APP_A_', otherPrefixes: ['_TEL_APP_B_'] };

test("an app's own variables come without the prefix, another container's not at all", () => {
  const own = {
    _TEL_APP_A_PATH: '/app/bin',
    _TEL_APP_A_EMPTY: '',
    _TEL_APP_A_: 'no name',
    _TEL_APP_B_PASSWORD: 'of the other',
    PATH: '/usr/bin',
    NODE_VERSION: '26',
    TELEPRESENCE_AGENT_CONFIG: '{}',
  };
  assert.deepEqual(containerEnvironment(own, app), { PATH: '/app/bin', EMPTY: '' });
});

test('the longest prefix decides where one begins with the other', () => {
  const own = { E_A: '1', E_1_A: '2' };
  assert.deepEqual(containerEnvironment(own, { envPrefix: 'E_', otherPrefixes: ['E_1_'] }), {
    A: '1',
  });
  assert.deepEqual(containerEnvironment(own, { envPrefix: 'E_1_', otherPrefixes: ['E_'] }), {
    A: '2',
  });
});

test('links to Services and HOSTNAME are every container’s; what the spec says wins', () => {
  const links = {
    HOSTNAME: 'hello-1',
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.0.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.0.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.0.0.1',
    A_PORT_1_TCP_SERVICE_HOST: '10.0.0.2',
    A_PORT_1_TCP_PORT: 'tcp://10.0.0.2:80',
  };
  const others = {
    SOME_PORT: 'of no service',
    KUBERNETES_PORTAL: 'of no service',
    TELEPRESENCE_AGENT_SERVICE_HOST: 'our own name',
    TELEPRESENCE_AGENT_POD_IP: '10.1.0.1',
  };
  assert.deepEqual(containerEnvironment({ ...links, ...others }, app), links);
  const spec = { _TEL_APP_A_KUBERNETES_PORT: 'mine', _TEL_APP_A_HOSTNAME: 'me' };
  assert.deepEqual(containerEnvironment({ ...links, ...spec }, app), {
    ...links,
    KUBERNETES_PORT: 'mine',
    HOSTNAME: 'me',
  });
});

test('whatever the spec says arrives, and nothing else does', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1 }).filter((text) => !text.includes('=') && !text.includes('\0')),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'PATH',
      '_TEL_APP_B_X',
      'TELEPRESENCE_AGENT_CONFIG',
    ),
  );
  const value = fc.string({ unit: 'binary' });
  const variables = fc.array(fc.tuple(name, value));
  fc.assert(
    fc.property(variables, variables, variables, (mine, theirs, images) => {
      const own = Object.fromEntries([
        ...images.filter(([key]) => !key.startsWith('_TEL_APP_') && key !== 'HOSTNAME'),
        ...theirs.map(([key, text]) => [`_TEL_APP_B_${key}`, text]),
        ...mine.map(([key, text]) => [`_TEL_APP_A_${key}`, text]),
      ]);
      const found = containerEnvironment(own, app);
      assert.deepEqual(new Map(Object.entries(found)), new Map(mine));
    }),
  );
});
