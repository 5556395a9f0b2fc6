import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { relayTcp } from './relay-tcp.ts';
import { relayUdp } from './relay-udp.ts';
import { parseRelayedPort } from './relayed-port.ts';

const host = '127.0.0.1';
const listen = { host, port: 0 };

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a connection goes through whole, and its end is only one direction’s', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    // Answers once the question is over.
    socket.once('end', () => socket.end(`${String(bytes)} bytes`));
  });
  server.listen(listen);
  await once(server, 'listening');
  await using relay = await relayTcp(listen, { host, port: portOf(server) });
  const client = connect({ host, port: relay.port, allowHalfOpen: true });
  client.end('x'.repeat(3_000_000));
  assert.equal(await text(client), '3000000 bytes');
  server.close();
});

test('a port where nobody listens resets, and the relay goes on', async () => {
  const free = createServer().listen(listen);
  await once(free, 'listening');
  const port = portOf(free);
  free.close();
  await once(free, 'close');
  await using relay = await relayTcp(listen, { host, port });
  for (const _attempt of [1, 2]) {
    const client = connect({ host, port: relay.port });
    const [error] = await once(client, 'error');
    assert.match(String(error), /ECONNRESET/);
  }
});

test('a reset is handed on', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  server.listen(listen);
  await once(server, 'listening');
  await using relay = await relayTcp(listen, { host, port: portOf(server) });
  const client = connect({ host, port: relay.port });
  client.write('x');
  const [error] = await once(client, 'error');
  assert.match(String(error), /ECONNRESET/);
  server.close();
});

test('each sender of datagrams has its own answers', async () => {
  const server = createSocket('udp4');
  server.on('message', (message, from) => {
    server.send(`${message.toString()} back`, from.port, from.address);
  });
  server.bind(0, host);
  await once(server, 'listening');
  const { port } = server.address();
  await using relay = await relayUdp(
    { clock: systemClock },
    { listen, target: { host, port }, idleMs: 60_000 },
  );
  const ask = async (question: string): Promise<string> => {
    const client = createSocket('udp4');
    client.send(question, relay.port, host);
    const [answer] = await once(client, 'message', { signal: AbortSignal.timeout(5000) });
    client.close();
    return String(answer);
  };
  const questions = ['a', 'b', 'c'];
  assert.deepEqual(
    await Promise.all(questions.map(ask)),
    questions.map((question) => `${question} back`),
  );
  server.close();
});

test('ports are numbers with a protocol, and nothing else is', () => {
  assert.deepEqual(parseRelayedPort('53/udp'), { port: 53, protocol: 'udp' });
  for (const wrong of ['0/tcp', '65536/tcp', '80', '80/sctp', '-1/tcp', '80/tcp/udp', '']) {
    assert.equal(parseRelayedPort(wrong), undefined, wrong);
  }
});
