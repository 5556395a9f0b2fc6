import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { startTestApiServer } from '#kube/test-api-server.ts';
import { LaptopHelper } from '#protocol/gen/telepresence_pb.ts';
import { helperUpgrade, readErrand, readTokenHeader } from '#protocol/helper-port.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { keepLending } from './keep-lending.ts';
import { lenderRoutes } from './lender-service.ts';

const token = 'c'.repeat(64);

/** A daemon's port: sessions, and connections by their ids, as they come. */
async function daemon() {
  let came = Promise.withResolvers<ClientSession>();
  const brought = new Map<string, net.Socket>();
  const server = http.createServer();
  server.on('upgrade', (request, socket) => {
    assert.equal(readTokenHeader(request.headers.authorization), token);
    assert.ok(socket instanceof net.Socket);
    const errand = readErrand(request.url ?? '');
    const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${helperUpgrade}\r\n\r\n`;
    socket.write(head, () => {
      if (errand?.kind === 'dial') brought.set(errand.id, socket);
      else came.resolve(openClientSession(socket, { log: silentLogger, clock: systemClock }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    brought,
    async session() {
      const session = await came.promise;
      came = Promise.withResolvers();
      return session;
    },
    stop: () => server.close(),
  };
}

test('the helper lends credentials and the API server, comes back, and ends when the daemon is gone', async () => {
  await using cluster = await startTestApiServer((_request, response) => response.end('{"a":1}'));
  const container = await daemon();
  const where = { port: container.port, token };
  const deps = { clock: systemClock, log: silentLogger };
  const lendable = {
    user: 'ann',
    impersonation: {},
    read: async () => await Promise.resolve({ authorization: 'Bearer t' }),
  };
  const access = { ...cluster.access, lendable };
  const routes = lenderRoutes({ ...deps, access, daemon: where });
  let ready = 0;
  let runs = true;
  const { signal } = new AbortController();
  const ended = keepLending(
    { ...deps, routes, daemonRuns: async () => await Promise.resolve(runs) },
    { daemon: where, signal, onReady: () => (ready += 1) },
  );
  const first = await container.session();
  const helper = createClient(LaptopHelper, rpcTransport(first));
  assert.equal((await helper.readCredentials({})).authorization, 'Bearer t');
  await helper.dial({ id: 'abcdef01' });
  const socket = container.brought.get('abcdef01');
  assert.ok(socket !== undefined);
  socket.write('GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  assert.match(Buffer.concat(chunks).toString(), /\{"a":1\}/);
  assert.deepEqual(cluster.seen, ['GET /version']);

  first.destroy(new Error('cut'));
  const second = await container.session();
  await second.ping();
  assert.equal(ready, 2);
  container.stop();
  runs = false;
  second.destroy(new Error('killed'));
  assert.equal(await ended, "the daemon's container has ended");
});

test('an API server that is away is told in the words of the laptop', async () => {
  const container = await daemon();
  const where = { port: container.port, token };
  const deps = { clock: systemClock, log: silentLogger };
  const cluster = await startTestApiServer(() => {});
  const { access } = cluster;
  await cluster[Symbol.asyncDispose]();
  const stop = new AbortController();
  const ended = keepLending(
    {
      ...deps,
      routes: lenderRoutes({ ...deps, access, daemon: where }),
      daemonRuns: async () => await Promise.resolve(true),
    },
    { daemon: where, signal: stop.signal, onReady: () => {} },
  );
  const helper = createClient(LaptopHelper, rpcTransport(await container.session()));
  await assert.rejects(
    helper.dial({ id: 'abcdef02' }),
    /from the laptop to 127\.0\.0\.1:\d+.*ECONNREFUSED/,
  );
  assert.equal(container.brought.size, 0);
  stop.abort(new Error('over'));
  assert.equal(await ended, 'asked to');
  container.stop();
});
