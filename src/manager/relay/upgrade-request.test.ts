import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import { WebSocket } from 'ws';
import { tunnelProtocol } from '#kube/websocket-duplex.ts';
import { acceptUpgrade } from './upgrade-request.ts';

const signal = AbortSignal.timeout(20_000);

/** A server that accepts every upgrade and sends back what it gets. */
async function echoes(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = http.createServer();
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    void acceptUpgrade(request, socket, head).then((duplex) => duplex.pipe(duplex));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('who asks for our subprotocol gets frames, among others', async () => {
  await using server = await echoes();
  for (const offered of [[tunnelProtocol], ['other', tunnelProtocol]]) {
    const client = new WebSocket(`ws://127.0.0.1:${String(server.port)}/`, offered);
    await once(client, 'open', { signal });
    assert.equal(client.protocol, tunnelProtocol);
    client.send(Buffer.from('hello'));
    const [data, isBinary] = await once(client, 'message', { signal });
    assert.equal(String(data), 'hello');
    assert.equal(isBinary, true);
    client.close(1000);
    const [code] = await once(client, 'close', { signal });
    assert.equal(code, 1000);
  }
});

test('who does not ask for it gets raw bytes, and what came with the request belongs to them', async () => {
  await using server = await echoes();
  const request = http.request({
    port: server.port,
    host: '127.0.0.1',
    headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': 'other' },
  });
  request.end();
  const [response, socket] = await once(request, 'upgrade', { signal });
  assert.ok(response instanceof http.IncomingMessage);
  assert.equal(response.headers['sec-websocket-protocol'], undefined);
  socket.write('raw');
  const [data] = await once(socket, 'data', { signal });
  assert.equal(String(data), 'raw');
  socket.destroy();
});
