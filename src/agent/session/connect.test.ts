import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import { systemClock } from '#base/clock.ts';

import { forgedIdentity, otherIdentity, testCa } from '../testing/certificates.ts';
import { testRelay } from '../testing/relay.ts';
import { connectToManager } from './connect.ts';

const never = new AbortController().signal;

function connect(address: { readonly host: string; readonly port: number }, token = 'token') {
  const deps = { clock: systemClock, readToken: async () => `${token}\n` };
  return connectToManager(
    deps,
    { manager: { host: address.host, port: address.port, ca: [testCa] }, role: 'control' },
    never,
  );
}

test('the manager is let in by its certificate, the agent by its token', async () => {
  await using relay = await testRelay({ token: 'token' });
  const socket = await connect(relay);
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  assert.deepEqual(relay.tokens, ['token']);
  socket.destroy();
  await assert.rejects(connect(relay, 'stolen'), {
    code: 'ManagerRefused',
    message: /not a token/,
  });
});

test('another CA and another name are refused before the token is shown', async () => {
  for (const identity of [forgedIdentity, otherIdentity]) {
    await using relay = await testRelay({ identity });
    await assert.rejects(connect(relay), { code: 'ManagerUnreachable' });
    assert.deepEqual(relay.tokens, []);
  }
});

test('nobody there, and somebody who says nothing', async () => {
  await assert.rejects(connect({ host: '127.0.0.1', port: 1 }), { code: 'ManagerUnreachable' });
  const stopped = new AbortController();
  const mute = net.createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = mute.address();
  assert(address !== null && typeof address === 'object');
  const waiting = connectToManager(
    { clock: systemClock, readToken: async () => 'token' },
    { manager: { host: '127.0.0.1', port: address.port, ca: [testCa] }, role: 'inbound' },
    stopped.signal,
  );
  const [peer] = await once(mute, 'connection');
  stopped.abort(new Error('stopped'));
  await assert.rejects(waiting, { message: 'stopped' });
  peer.on('error', () => {});
  peer.destroy();
  mute.close();
});
