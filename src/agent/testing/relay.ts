import { once } from 'node:events';
import tls from 'node:tls';

import { admitAgent, type AgentRole } from '#tunnel/agent-handshake.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';

import { managerIdentity } from './certificates.ts';

/** For tests: the relay's port for agents, as far as being let in goes. */
export interface TestRelay extends AsyncDisposable {
  readonly port: number;
  readonly host: string;
  /** The tokens that were shown. */
  readonly tokens: readonly string[];
  /** Drops every connection. */
  drop(): void;
}

interface RelayOptions {
  readonly host?: string;
  readonly port?: number;
  readonly identity?: { readonly cert: string; readonly key: string };
  /** Lets in who has this token; everybody where it is left out. */
  readonly token?: string;
  readonly onAgent?: (role: AgentRole, socket: tls.TLSSocket) => void;
}

/** Listens for agents. */
export async function testRelay(options: RelayOptions = {}): Promise<TestRelay> {
  const tokens: string[] = [];
  const sockets = new Set<tls.TLSSocket>();
  const { host = '127.0.0.1', port = 0 } = options;
  const server = tls.createServer(
    { ...(options.identity ?? managerIdentity), minVersion: 'TLSv1.3', noDelay: true },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      const review = async (token: string): Promise<undefined> => {
        tokens.push(token);
        if (options.token === undefined || options.token === token) return;
        throw new TunnelError('Forbidden', 'not a token of a pod');
      };
      const signal = new AbortController().signal;
      admitAgent(sessionDeps, socket, { review, signal }).then(
        ({ role }) => options.onAgent?.(role, socket),
        () => {},
      );
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host,
    port: address.port,
    tokens,
    drop,
    async [Symbol.asyncDispose]() {
      server.close();
      drop();
      await once(server, 'close');
    },
  };
}
