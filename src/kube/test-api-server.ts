import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { createSecureContext } from 'node:tls';
import type { ClusterAccess } from './cluster-access.ts';
import { acceptOf } from './websocket-accept.ts';

/** For tests: an HTTP server on port 0 that answers in the API server's recorded shapes. */
export interface TestApiServer extends AsyncDisposable {
  readonly access: ClusterAccess;
  /** `GET /path?query` of each request, in order. */
  readonly seen: string[];
  readonly sockets: ReadonlySet<net.Socket>;
  readonly http: http.Server;
}

/** Starts one; `answer` gets every request that is no upgrade. */
export async function startTestApiServer(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestApiServer> {
  const seen: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = http.createServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.setHeader('content-type', 'application/json');
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    seen,
    sockets,
    http: server,
    access: testAccess(`http://127.0.0.1:${String(port)}`, headers),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** For tests: access to `server` with an identity that needs no files. */
export function testAccess(
  server: string,
  headers: Readonly<Record<string, string>> = {},
): ClusterAccess {
  return {
    server: new URL(server),
    context: 'test',
    cluster: 'test',
    namespace: 'default',
    proxy: undefined,
    trust: { ca: undefined, serverName: undefined, skipVerify: false },
    identify: async () => ({
      secureContext: createSecureContext(),
      proxyContext: createSecureContext,
      headers,
    }),
    whyRefused: () => 'refused',
    forgetIdentity: () => {},
  };
}

/** The API server's Status for an error, as it was recorded. */
export function statusBody(code: number, reason: string, message: string): string {
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  });
}

/** The 101 to an upgrade, as a server writes it. */
export function switching(request: http.IncomingMessage, ...more: readonly string[]): string {
  const accept = acceptOf(request.headers['sec-websocket-key'] ?? '');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accept}`,
    ...more,
    '\r\n',
  ].join('\r\n');
}
