import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentIdentity } from '#protocol/gen/telepresence_pb.ts';
import { admitAgent, type AgentRole } from '#tunnel/agent-handshake.ts';
import { listening, type Listening } from './api-server.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
}

interface Options {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly port: number;
  /** Whose token that is; throws a TunnelError for nobody's. */
  readonly review: (token: string) => Promise<AgentIdentity>;
  readonly onAgent: (
    agent: { readonly identity: AgentIdentity; readonly address: string },
    role: AgentRole,
    duplex: Duplex,
  ) => Promise<void>;
  readonly signal: AbortSignal;
}

// A restarted manager is met by all its agents at once; each handshake asks the API server.
const maxHandshakes = 4096;

/** Serves the port that agents dial: TLS 1.3, then the token, then HTTP/2. */
export async function serveAgents(deps: Deps, options: Options): Promise<Listening> {
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = tls.createServer(
    { ...options.tls, minVersion: 'TLSv1.3', handshakeTimeout: 10_000, allowHalfOpen: true },
    (socket) => {
      socket.on('error', () => {});
      if (handshakes >= maxHandshakes) {
        socket.destroy();
        return;
      }
      handshakes += 1;
      void admit(deps, options, socket)
        .catch((error: unknown) => {
          deps.log.info('agent not admitted', {
            from: socket.remoteAddress,
            reason: describe(error),
          });
        })
        .finally(() => {
          handshakes -= 1;
        });
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
  server.listen(options.port);
  await once(server, 'listening');
  return listening(server, sockets);
}

async function admit(deps: Deps, options: Options, socket: tls.TLSSocket): Promise<void> {
  // A server for both families sees IPv4 addresses as IPv6 ones.
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const { role, identity } = await admitAgent(deps, socket, {
    review: async (token) => await options.review(token),
    signal: options.signal,
  });
  try {
    await options.onAgent({ identity, address }, role, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
