import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { openClientSession } from '#tunnel/client-session.ts';
import { carryDatagrams } from '#tunnel/datagrams.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';
import { connectionOf, laptopOf, testRelay } from './test-relay.ts';

const never = new AbortController().signal;
const alice = laptopOf('alice-1', 'aaaaaaaa-0000-4000-8000-000000000001');
// Loopback is never dialled, so it has to be an address of this machine's own.
const address = Object.values(networkInterfaces())
  .flat()
  .find(
    (one) => one?.family === 'IPv4' && !one.internal && !one.address.startsWith('169.254.'),
  )?.address;

test('without any agent the relay dials itself', { skip: address === undefined }, async () => {
  await using relay = await testRelay();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('.'));
  });
  server.listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const dialableSubnets = [`${String(address)}/32`];
  await relay.controller.want({ connections: [connectionOf(alice)], dialableSubnets });
  const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const authority = `${String(address)}:${String(bound.port)}`;
  const flow = await laptop.openFlow({ authority, signal: never });
  flow.stream.end('hello');
  const chunks: Buffer[] = [];
  for await (const chunk of flow.stream) chunks.push(Buffer.from(chunk));
  assert.equal(Buffer.concat(chunks).toString(), 'hello.');
  server.close();
  await once(server, 'close');
  await assert.rejects(laptop.openFlow({ authority, signal: never }), { code: 'Refused' });
});

test(
  'without any agent the relay sends datagrams itself',
  { skip: address === undefined },
  async () => {
    await using relay = await testRelay();
    const server = createSocket('udp4', (bytes, from) => {
      server.send(`${String(bytes)}.`, from.port, from.address);
    });
    server.bind(0, address);
    await once(server, 'listening');
    const dialableSubnets = [`${String(address)}/32`];
    await relay.controller.want({ connections: [connectionOf(alice)], dialableSubnets });
    const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
    const { port } = server.address();
    const authority = `${String(address)}:${String(port)}`;
    const { flow } = laptop.beginFlow({ authority, kind: 'udp', signal: never });
    const heard = Promise.withResolvers<string>();
    const datagrams = carryDatagrams(flow.stream, {
      onDatagram: (payload) => heard.resolve(String(payload)),
    });
    datagrams.send(Buffer.from('hello'));
    assert.equal(await heard.promise, 'hello.');
    server.close();
  },
);
