import { once } from 'node:events';
import net from 'node:net';

import { AgentError } from '../error.ts';

/** A listener for connections that are to be brought on. */
export interface TakeListener extends AsyncDisposable {
  readonly port: number;
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Gets each connection paused, half-open allowed, with an error listener; owns it then. */
  readonly onConnection: (socket: net.Socket) => void;
}

/** Listens. Disposing takes no new connections and leaves those that it has brought. */
export async function listenForTakes(options: ListenOptions): Promise<TakeListener> {
  const { host, port } = options;
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
    (socket) => {
      socket.on('error', () => {});
      options.onConnection(socket);
    },
  );
  try {
    server.listen({ host, port, backlog: 4096 });
    await once(server, 'listening');
  } catch (cause) {
    throw new AgentError('ListenFailed', `listen on ${host}:${port}`, { cause });
  }
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async [Symbol.asyncDispose]() {
      // Not waited for: it ends with the last connection.
      server.close();
    },
  };
}
