import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { RelayConnection } from '#protocol/gen/telepresence_pb.ts';
import type { LaptopRole } from '#tunnel/handshake-proof.ts';
import type { Signer } from '#tunnel/keys.ts';
import { admitLaptop } from '#tunnel/laptop-handshake.ts';
import { acceptUpgrade, parseTunnelRequest, refuseUpgrade } from './upgrade-request.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly signer: Signer;
}

interface Options {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly port: number;
  /** Whether laptops are let in: the controller has said what to serve, and we are not about to end. */
  readonly isOpen: () => boolean;
  /**
   * The Connection of that name. Managers hear of a new one one after the other, so who asks may be
   * a moment ahead of us; undefined when there is none still.
   */
  readonly find: (namespace: string, name: string) => Promise<RelayConnection | undefined>;
  /** Gets the connection of a laptop that has proven itself. */
  readonly onLaptop: (
    connection: RelayConnection,
    role: LaptopRole,
    duplex: Duplex,
  ) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A server that listens. */
export interface Listening extends AsyncDisposable {
  readonly address: AddressInfo;
}

// Whoever can reach the port can begin a handshake: so many at once, and no more.
const maxHandshakes = 512;

/** Serves the port that the API server's proxy dials: upgrades for laptops, and /healthz. */
export async function serveApi(deps: Deps, options: Options): Promise<Listening> {
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = https.createServer(
    { ...options.tls, minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'] },
    (request, response) => {
      const { status, text } = answerOf(request.url ?? '', options.isOpen());
      response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    },
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (error) => {
    deps.log.debug('TLS handshake failed', { reason: error.message });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    if (socket instanceof TLSSocket) socket.setNoDelay(true);
    if (handshakes >= maxHandshakes) {
      refuseUpgrade(socket, '503 Service Unavailable', 'too many handshakes');
      return;
    }
    handshakes += 1;
    void admit(deps, options, request, socket, head)
      .catch((error: unknown) => {
        deps.log.info('laptop not admitted', { path: request.url, reason: describe(error) });
      })
      .finally(() => {
        handshakes -= 1;
      });
  });
  server.listen(options.port);
  await once(server, 'listening');
  return listening(server, sockets);
}

function answerOf(
  url: string,
  isServing: boolean,
): { readonly status: number; readonly text: string } {
  if (url === '/healthz')
    return isServing ? { status: 200, text: 'ok\n' } : { status: 503, text: '' };
  // Something on the way took the Upgrade out of the request.
  if (url.startsWith('/tunnel/')) return { status: 426, text: 'upgrade required\n' };
  return { status: 404, text: '' };
}

async function admit(
  deps: Deps,
  options: Options,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const asked = parseTunnelRequest(request);
  if (asked === undefined) {
    refuseUpgrade(socket, '404 Not Found', 'not a tunnel');
    return;
  }
  if (!options.isOpen()) {
    refuseUpgrade(socket, '503 Service Unavailable', 'the traffic-manager is starting or ending');
    return;
  }
  const connection = await options.find(asked.namespace, asked.name);
  if (connection === undefined) {
    refuseUpgrade(socket, '404 Not Found', 'no such connection');
    return;
  }
  const duplex = await acceptUpgrade(request, socket, head);
  await admitLaptop(deps, duplex, {
    connectionUid: connection.uid,
    role: asked.role,
    laptopNonce: asked.laptopNonce,
    laptopKey: connection.publicKey,
    signal: options.signal,
  });
  try {
    await options.onLaptop(connection, asked.role, duplex);
  } catch (error) {
    duplex.destroy();
    throw error;
  }
}

/** A listening server as something to be closed. */
export function listening(
  server: { address(): AddressInfo | string | null; close(): unknown },
  sockets: Iterable<Socket>,
): Listening {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
