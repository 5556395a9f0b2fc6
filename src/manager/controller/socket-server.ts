import { once } from 'node:events';
import net from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { PeerSchema, type AgentIdentity, type Peer } from '#protocol/gen/telepresence_pb.ts';
import { withHandshake } from '#tunnel/handshake.ts';
import { busyIntervalMs, watchLiveness } from '#tunnel/liveness.ts';
import { serveSession } from '#tunnel/server-session.ts';

/** What is served to whom; who it is has been authenticated by the relay. */
export interface ControllerServices {
  readonly laptop: (router: ConnectRouter, connectionUid: string) => void;
  readonly agent: (router: ConnectRouter, identity: AgentIdentity) => void;
  readonly relay: (router: ConnectRouter) => void;
}

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
}

const peerMs = 5000;

/**
 * Serves calls on a unix socket that only this container's processes reach. The first frame of each
 * connection says who is behind it; everything after it is that peer's own HTTP/2.
 */
export async function serveControllerSocket(
  deps: Deps,
  options: {
    readonly path: string;
    readonly services: ControllerServices;
    readonly signal: AbortSignal;
  },
): Promise<AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    void serve(deps, options, socket).catch((error: unknown) => {
      deps.log.warning('peer not served', { reason: describe(error) });
      socket.destroy();
    });
  });
  server.listen(options.path);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function serve(
  deps: Deps,
  options: { readonly services: ControllerServices; readonly signal: AbortSignal },
  socket: net.Socket,
): Promise<void> {
  const reading = { ms: peerMs, what: 'the peer’s name', signal: options.signal };
  const peer = await withHandshake(deps, socket, reading, async (frames) =>
    frames.read(PeerSchema),
  );
  const rpc = connectNodeAdapter({ routes: (router) => route(router, options.services, peer) });
  const session = serveSession(socket, { ...deps, rpc });
  // Through the relay's pipe this asks the laptop or agent itself.
  if (peer.kind.case !== 'relay') watchLiveness(deps, session, { intervalMs: busyIntervalMs });
}

function route(router: ConnectRouter, services: ControllerServices, peer: Peer): void {
  switch (peer.kind.case) {
    case 'laptop':
      services.laptop(router, peer.kind.value.connectionUid);
      return;
    case 'agent':
      if (peer.kind.value.identity === undefined) throw new Error('an agent without identity');
      services.agent(router, peer.kind.value.identity);
      return;
    case 'relay':
      services.relay(router);
      return;
    case undefined:
      throw new Error('a peer of no kind');
  }
}
