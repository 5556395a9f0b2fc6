import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFreePort, portCandidates } from './daemon-port.ts';

test("the daemon's port is none that is exposed", () => {
  assert.deepEqual(portCandidates([]).slice(0, 3), [58_802, 58_803, 58_804]);
  const exposed = ['58802:80', '127.0.0.1:80:58803', '[::1]:58804:1/tcp', '58805-58806/udp'];
  assert.equal(portCandidates(exposed)[0], 58_807);
  fc.assert(
    fc.property(fc.string(), (noise) => {
      assert.ok(portCandidates([noise]).length <= 20);
    }),
  );
});

test('a port is free while nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  assert.equal(await isFreePort(address.port), false);
  server.close();
  await once(server, 'close');
  assert.equal(await isFreePort(address.port), true);
});
