import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { findHolder, socketInodes } from './port-holder.ts';

const ours = new RegExp(`^\\S.* \\(pid ${String(process.pid)}\\)$`);

test('who listens on a port is named, and nobody where nobody does', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  assert.match((await findHolder({ port, protocol: 'TCP' })) ?? '', ours);
  assert.equal(await findHolder({ port, protocol: 'UDP' }), undefined);
  server.close();
  await once(server, 'close');
  assert.equal(await findHolder({ port, protocol: 'TCP' }), undefined);
});

test('the same for UDP', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  assert.match((await findHolder({ port, protocol: 'UDP' })) ?? '', ours);
  socket.close();
});

test('only sockets that wait at that very port count', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1
   1: 0100007F:1538 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1
   2: 0100007F:0538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1
`;
  assert.deepEqual(socketInodes(table, { port: 0x1538, protocol: 'TCP' }), ['111']);
  assert.deepEqual(socketInodes(table, { port: 0x1538, protocol: 'UDP' }), []);
  assert.deepEqual(socketInodes('', { port: 1, protocol: 'TCP' }), []);
});
