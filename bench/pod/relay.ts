/**
 * The cluster's end of *raw* and *tunnel*: after an upgrade, `/raw/HOST:PORT` is that connection's
 * bytes, and `/tunnel` is an HTTP/2 session whose flows are dialled from here.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { acceptOf } from '#kube/websocket-accept.ts';
import { refusalForDial } from '#tunnel/refusal.ts';
import { serveSession } from '#tunnel/server-session.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';
import { relayPort } from '../ports.ts';
import { pump } from '../pump.ts';

async function dial(authority: string): Promise<Socket> {
  const [host = '', port = ''] = authority.split(':');
  const socket = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Nothing may follow before the answer has been flushed. */
function answer101(socket: Duplex, key = ''): Promise<void> {
  const flushed = Promise.withResolvers<void>();
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    '\r\n',
  ];
  socket.write(lines.join('\r\n'), () => flushed.resolve());
  return flushed.promise;
}

async function takeFlow(flow: IncomingFlow): Promise<void> {
  try {
    const socket = await dial(flow.authority);
    splice(flow.accept().stream, socket);
  } catch (error) {
    flow.refuse(refusalForDial(error));
  }
}

async function upgrade(path: string, socket: Duplex, key?: string): Promise<void> {
  if (path.startsWith('/raw/')) {
    const target = await dial(path.slice('/raw/'.length));
    await answer101(socket, key);
    pump(socket, target);
    return;
  }
  await answer101(socket, key);
  serveSession(socket, {
    log: silentLogger,
    clock: systemClock,
    onFlow: (flow) => void takeFlow(flow),
  });
}

const server = createServer({
  key: readFileSync('/tls/tls.key'),
  cert: readFileSync('/tls/tls.crt'),
  noDelay: true,
});
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  if (head.length > 0) socket.unshift(head);
  const key = request.headers['sec-websocket-key'];
  upgrade(request.url ?? '', socket, key).catch(() => socket.destroy());
});
server.listen(relayPort);
