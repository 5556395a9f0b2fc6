import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { Logger } from '#base/log.ts';
import { closeServer } from '#host/close-server.ts';
import type { ReadPeerCredentials } from '#host/peer-credentials.ts';
import { listenPrivately } from '../private-socket.ts';

interface Deps {
  readonly log: Logger;
  readonly readPeerCredentials: ReadPeerCredentials;
  readonly routes: (router: ConnectRouter) => void;
}

/** Serves the CLI on a unix socket that is this user's alone: by its mode, and by asking the kernel. */
export async function serveApi(
  deps: Deps,
  options: { readonly path: string; readonly uid: number },
): Promise<AsyncDisposable> {
  const { path, uid } = options;
  const sockets = new Set<Socket>();
  const server = createServer(connectNodeAdapter({ routes: deps.routes }));
  // A call may wait for an image to be pulled: deadlines are the calls' own.
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    const peer = deps.readPeerCredentials(socket);
    // Root may look after everybody's daemons.
    if (peer === undefined || (peer.uid !== uid && peer.uid !== 0)) {
      deps.log.warning('caller refused', { uid: peer?.uid });
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listenPrivately(server, { path, signal: new AbortController().signal });
  return {
    [Symbol.asyncDispose]: async () => await closeServer(server),
  };
}
