import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { openClientSession } from './client-session.ts';
import type { ClientSession } from './client-session.ts';
import type { ReceiveWindows } from './receive-windows.ts';
import { serveSession } from './server-session.ts';
import type { ServeOptions, ServerSession } from './server-session.ts';

/** What sessions need in tests. */
export const sessionDeps = { log: silentLogger, clock: systemClock };

/** A TCP listener on a free port of loopback. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
}

/** Listens as the product does: half-open, paused, without Nagle. */
export async function listen(onSocket: (socket: net.Socket) => void): Promise<TestServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      onSocket(socket);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** Dials loopback. */
export async function dial(port: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

/** Two joined TCP sockets. */
export async function socketPair(): Promise<
  { readonly near: net.Socket; readonly far: net.Socket } & AsyncDisposable
> {
  const accepted = Promise.withResolvers<net.Socket>();
  const server = await listen(accepted.resolve);
  const near = await dial(server.port);
  const far = await accepted.promise;
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A client and a server session joined by TCP. */
export interface SessionPair extends AsyncDisposable {
  readonly client: ClientSession;
  readonly server: ServerSession;
  /** The connection under the client. */
  readonly near: net.Socket;
  /** The connection under the server. */
  readonly far: net.Socket;
}

/** Joins a client and a server session by TCP. */
export async function sessionPair(
  serve: ServeOptions,
  options?: { readonly windowBytes: number } | { readonly windows: ReceiveWindows },
): Promise<SessionPair> {
  const sockets = await socketPair();
  // The windows are those of one end.
  const ofServer = options !== undefined && 'windows' in options ? {} : options;
  const server = serveSession(sockets.far, { ...sessionDeps, ...ofServer, ...serve });
  const client = openClientSession(sockets.near, { ...sessionDeps, ...options });
  return {
    client,
    server,
    near: sockets.near,
    far: sockets.far,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await sockets[Symbol.asyncDispose]();
    },
  };
}

/** As `sessionPair`, over TLS; a shared key stands for the certificates. */
export async function tlsSessionPair(
  serve: ServeOptions,
): Promise<Pick<SessionPair, 'client' | 'server'> & AsyncDisposable> {
  const psk = Buffer.alloc(32, 'key');
  const shared = {
    ciphers: 'PSK-AES128-GCM-SHA256',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
  } as const;
  const accepted = Promise.withResolvers<tls.TLSSocket>();
  const listener = tls.createServer({ ...shared, pskCallback: () => psk }, accepted.resolve);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const near = tls.connect({
    ...shared,
    host: '127.0.0.1',
    port: portOf(listener.address()),
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  });
  await once(near, 'secureConnect');
  const far = await accepted.promise;
  const server = serveSession(far, { ...sessionDeps, ...serve });
  const client = openClientSession(near, sessionDeps);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      listener.close();
      await once(listener, 'close');
    },
  };
}
