// Runs as the app in pods and as the handler on the laptop: HTTP/1.1, WebSocket and gRPC (h2c) on one
// port; every answer says who answers and echoes what was asked. `GET /handled` tells how often each
// request was handled here, `GET /ready` nothing. With a target as third word it also passes PostgreSQL on to there.
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { WebSocketServer } from 'ws';
import { Cluster } from '#protocol/gen/telepresence_pb.ts';

const [port = '0', name = hostname(), postgres] = process.argv.slice(2);
const handled = new Map<string, number>();

function handle(id: string): string {
  handled.set(id, (handled.get(id) ?? 0) + 1);
  return `${name} ${id}`;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url === '/ready') response.end();
  else if (request.url === '/handled') response.end(JSON.stringify([...handled]));
  else response.end(handle(request.method === 'GET' ? (request.url ?? '') : body));
}

const http1 = http.createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
// Who closes what is idle is the switch, nobody else.
http1.keepAliveTimeout = 600_000;
new WebSocketServer({ server: http1 }).on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data: Buffer) => socket.send(handle(data.toString())));
});

const grpc = http2.createServer(
  connectNodeAdapter({
    routes: (router) =>
      void router.service(Cluster, {
        lookup: ({ query }) => ({ answer: Buffer.from(handle(String(Buffer.from(query)))) }),
      }),
  }),
);
grpc.on('sessionError', () => {});

/** An HTTP/2 client speaks first, and its first three bytes are no HTTP/1.1 method's. */
const both = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (first: Buffer) => {
    socket.pause();
    socket.unshift(first);
    if (first.toString('latin1', 0, 3) === 'PRI') grpc.emit('connection', socket);
    else {
      http1.emit('connection', socket);
      socket.resume();
    }
  });
});

function passOn(target: string): net.Server {
  const [host = '', targetPort = ''] = target.split(':');
  return net.createServer({ noDelay: true }, (socket) => {
    const server = net.connect({ host, port: Number(targetPort), noDelay: true });
    for (const [one, other] of [
      [socket, server],
      [server, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
}

async function listen(server: net.Server, at: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(at, () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : at);
  });
  return await promise;
}

const ports = [await listen(both, Number(port))];
if (postgres !== undefined) ports.push(await listen(passOn(postgres), 0));
console.log(ports.join(' '));
