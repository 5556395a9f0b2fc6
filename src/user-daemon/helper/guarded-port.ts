import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { Logger } from '#base/log.ts';
import { closeServer } from '#host/close-server.ts';
import {
  helperUpgrade,
  readErrand,
  readTokenHeader,
  type HelperErrand,
} from '#protocol/helper-port.ts';

interface Deps {
  readonly log: Logger;
  readonly routes: (router: ConnectRouter) => void;
  /** Takes a connection of the helper, for one errand; nothing has been read of it. */
  readonly onErrand: (errand: HelperErrand, socket: Socket) => void;
}

/** A port that serves who has the token, and nobody else. */
export interface GuardedPort extends AsyncDisposable {
  readonly port: number;
}

/** Serves the CLI and the helper over TCP; whoever shares the network finds the port, but not the token. */
export async function serveGuarded(
  deps: Deps,
  options: { readonly host: string; readonly port: number; readonly token: string },
): Promise<GuardedPort> {
  const isAllowed = guard(options.token);
  const sockets = new Set<Socket>();
  const handle = connectNodeAdapter({ routes: deps.routes });
  const server = createServer({ noDelay: true }, (request, response) => {
    if (isAllowed(request)) {
      handle(request, response);
      return;
    }
    response.writeHead(401, { connection: 'close' }).end();
  });
  // A call may wait for an image to be pulled: deadlines are the calls' own.
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('upgrade', (request, stream, head) => {
    // Of a server on TCP it is nothing else.
    const socket = stream instanceof Socket ? stream : undefined;
    const errand = readErrand(request.url ?? '');
    const known = request.headers.upgrade === helperUpgrade;
    if (!isAllowed(request) || errand === undefined || !known || socket === undefined) {
      stream.end(`HTTP/1.1 ${isAllowed(request) ? '404 Not Found' : '401 Unauthorized'}\r\n\r\n`);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${helperUpgrade}\r\n\r\n`,
      (error) => {
        if (error === null || error === undefined) deps.onErrand(errand, socket);
      },
    );
  });
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async [Symbol.asyncDispose]() {
      const closed = closeServer(server);
      // A call that is being answered may be finished; what was upgraded is not the server's to wait for.
      const waiting = setImmediate(() => {
        for (const socket of sockets) socket.destroySoon();
      });
      await closed;
      clearImmediate(waiting);
    },
  };
}

/** Compares digests, whose length says nothing, in a time that says nothing either. */
function guard(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return ({ headers }) =>
    timingSafeEqual(digest(readTokenHeader(headers.authorization) ?? ''), wanted);
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
