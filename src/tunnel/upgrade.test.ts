/** The way of a real connection: HTTP/1.1 upgrade, handshake, HTTP/2, with bytes glued together. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { openClientSession } from './client-session.ts';
import {
  encodeNonce,
  newNonce,
  nonceHeader,
  parseLaptopRole,
  parseNonce,
} from './handshake-proof.ts';
import { createSigner } from './keys.ts';
import { admitLaptop, enterAsLaptop } from './laptop-handshake.ts';
import { serveSession } from './server-session.ts';
import type { ServerSession } from './server-session.ts';
import { sessionDeps } from './session.fixture.ts';

const manager = createSigner();
const laptop = createSigner();
const connectionUid = '0b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d';
const signal = AbortSignal.timeout(30_000);

interface Upgraded {
  readonly duplex: Duplex;
  readonly nonce: Uint8Array;
}

/** A relay on a free port; its sessions echo flows. */
async function relay() {
  const sessions: ServerSession[] = [];
  const server = http.createServer();
  server.on('upgrade', (request, duplex: Duplex, head: Buffer) => {
    if (head.length > 0) duplex.unshift(head);
    const role = parseLaptopRole(request.url?.split('/').at(-1) ?? '');
    assert.ok(role !== undefined);
    const admission = async (): Promise<void> => {
      // Not flushed before the challenge: both then come to the laptop in one piece.
      duplex.cork();
      duplex.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
      setImmediate(() => duplex.uncork());
      const laptopNonce = parseNonce(request.headers[nonceHeader]);
      await admitLaptop({ clock: systemClock, signer: manager }, duplex, {
        connectionUid,
        role,
        laptopNonce,
        laptopKey: laptop.publicKey,
        signal,
      });
      sessions.push(
        serveSession(duplex, {
          ...sessionDeps,
          onFlow(incoming) {
            const { stream } = incoming.accept();
            stream.pipe(stream);
          },
        }),
      );
    };
    admission().catch(() => duplex.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    sessions,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function upgrade(port: number): Promise<Upgraded> {
  const nonce = newNonce();
  const request = http.request({
    host: '127.0.0.1',
    port,
    path: '/tunnel/shop/laptop/outbound',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      [nonceHeader]: encodeNonce(nonce),
    },
  });
  request.end();
  const upgraded = Promise.withResolvers<Upgraded>();
  request.once('error', upgraded.reject);
  request.once('upgrade', (_response, duplex, head) => {
    if (head.length > 0) duplex.unshift(head);
    upgraded.resolve({ duplex, nonce });
  });
  return upgraded.promise;
}

/** The same connection as a stream that is no socket, as a port-forward is one. */
function wrapped(inner: Duplex): Duplex {
  const outer = new Duplex({
    read: () => void inner.resume(),
    write: (chunk, _encoding, done) => void inner.write(chunk, done),
    final: (done) => void inner.end(done),
    destroy(error, done) {
      inner.destroy();
      done(error);
    },
  });
  inner.on('data', (chunk) => {
    if (!outer.push(chunk)) inner.pause();
  });
  inner.once('end', () => outer.push(null));
  inner.once('close', () => outer.destroy());
  inner.on('error', () => {});
  return outer;
}

for (const [kind, asDuplex] of Object.entries({
  'a socket': (duplex: Duplex) => duplex,
  'a stream': wrapped,
})) {
  test(`an upgraded connection carries flows after the handshake, as ${kind}`, async () => {
    await using server = await relay();
    const { duplex: upgraded, nonce } = await upgrade(server.port);
    const duplex = asDuplex(upgraded);
    await enterAsLaptop({ clock: systemClock, signer: laptop }, duplex, {
      connectionUid,
      role: 'outbound',
      laptopNonce: nonce,
      managerKey: manager.publicKey,
      signal,
    });
    const client = openClientSession(duplex, sessionDeps);
    const flow = await client.openFlow({ authority: 'x:1', signal });
    const block = Buffer.alloc(3_000_000, 'x');
    flow.stream.end(block);
    let got = 0;
    flow.stream.on('data', (chunk: Buffer) => {
      got += chunk.length;
    });
    await once(flow.stream, 'end');
    assert.equal(got, block.length);
    assert.deepEqual(await client.close(), { kind: 'closed' });
    assert.deepEqual(await server.sessions[0]?.closed, { kind: 'closed' });
  });

  test(`an upgraded connection whose laptop is killed is lost, as ${kind}`, async () => {
    await using server = await relay();
    const { duplex: upgraded, nonce } = await upgrade(server.port);
    const duplex = asDuplex(upgraded);
    await enterAsLaptop({ clock: systemClock, signer: laptop }, duplex, {
      connectionUid,
      role: 'outbound',
      laptopNonce: nonce,
      managerKey: manager.publicKey,
      signal,
    });
    const client = openClientSession(duplex, sessionDeps);
    await client.openFlow({ authority: 'x:1', signal });
    upgraded.destroy();
    assert.equal((await client.closed).kind, 'lost');
    assert.equal((await server.sessions[0]?.closed)?.kind, 'lost');
  });
}
