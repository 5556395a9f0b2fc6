import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { silentLogger } from '#base/log.ts';
import { openLibc, socketFd } from './libc.ts';
import { createLimitUnsent, unsentBytes } from './unsent-limit.ts';

test('the kernel keeps the limit of an open socket; a closed one is left alone', async () => {
  const libc = openLibc();
  const limit = createLimitUnsent({ libc, log: silentLogger });
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const socket = net.connect({ host: '127.0.0.1', port: address.port });
  await once(socket, 'connect');
  limit(socket);
  const fd = socketFd(socket);
  assert(fd !== undefined);
  const value = libc.readSocketOption(fd, 6, 25, 4);
  assert.equal(new Uint32Array(value.buffer, value.byteOffset, 1)[0], unsentBytes);
  socket.destroy();
  limit(socket);
  server.close();
  await once(server, 'close');
});
