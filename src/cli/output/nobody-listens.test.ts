import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { nobodyListens } from './nobody-listens.ts';

test('a port of this machine, before and after somebody listens at it', async () => {
  for (const host of ['127.0.0.1', '::']) {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const { port } = address;
    assert.equal(await nobodyListens('127.0.0.1', { port, protocol: 'TCP' }), false);
    server.close();
    await once(server, 'close');
    assert.equal(await nobodyListens('localhost', { port, protocol: 'TCP' }), true);
    assert.equal(
      await nobodyListens('192.0.2.1', { port, protocol: 'TCP' }),
      false,
      'another machine',
    );
  }
});

test('the same for datagrams, which is another port of that number', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  assert.equal(await nobodyListens('127.0.0.1', { port, protocol: 'UDP' }), false);
  assert.equal(await nobodyListens('127.0.0.1', { port, protocol: 'TCP' }), true);
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  assert.equal(await nobodyListens('127.0.0.1', { port, protocol: 'UDP' }), true);
});
