import { createServer as createHttpServer } from 'node:http';
import http2 from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';

import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';

import type { ReadPeerCredentials } from '#host/peer-credentials.ts';

interface Deps {
  readonly readPeerCredentials: ReadPeerCredentials;
  /** What the owner's programs may call. */
  readonly routes: (router: ConnectRouter) => void;
  /** What others get. */
  readonly foreignRoutes: (router: ConnectRouter) => void;
}

/** The server of the unix socket, not listening yet. */
export interface ApiServer extends AsyncDisposable {
  readonly server: Server;
}

/** Takes the connections of one protocol after it is known which. */
type Take = (socket: Socket) => void;

/**
 * HTTP/1.1 and HTTP/2 without TLS on one socket, told apart by the first bytes. Who calls is
 * asked of the kernel for every connection: the socket's mode alone would not hold off root's.
 */
export function createApiServer(deps: Deps, options: { readonly ownerUid: number }): ApiServer {
  const own = speakBoth(deps.routes);
  const foreign = speakBoth(deps.foreignRoutes);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => {});
    const peer = deps.readPeerCredentials(socket);
    const isOwn = peer?.uid === options.ownerUid || peer?.uid === 0;
    (isOwn ? own : foreign)(socket);
  });
  return {
    server,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<undefined>();
      server.close(() => closed.resolve(undefined));
      for (const socket of open) socket.destroy();
      await closed.promise;
    },
  };
}

function speakBoth(routes: (router: ConnectRouter) => void): Take {
  const handler = connectNodeAdapter({ routes });
  const one = createHttpServer(handler);
  const two = http2.createServer(handler);
  two.on('sessionError', () => {});
  return (socket) => {
    socket.once('readable', () => {
      const head: unknown = socket.read();
      if (!Buffer.isBuffer(head)) return;
      socket.unshift(head);
      // The preface of HTTP/2 begins with `PRI`, no method of ours does.
      const server = head.subarray(0, 3).toString('latin1') === 'PRI' ? two : one;
      server.emit('connection', socket);
    });
  };
}
