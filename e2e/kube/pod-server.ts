// Runs in a pod: what a relay is to the API server, with one way of behaving for each path.
import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';

const key = process.env['TLS_KEY'] ?? '';
const cert = process.env['TLS_CERT'] ?? '';
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const switching = (webSocketKey: string): string =>
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Accept: ${createHash('sha1').update(webSocketKey).update(guid).digest('base64')}\r\n\r\n`;
const counts = { received: 0, sent: 0, authorization: '', nonce: '', ended: 0 };

const block = Buffer.alloc(65_536, 7);

function count(socket: Duplex): void {
  socket.on('data', (chunk: Buffer) => (counts.received += chunk.length));
  socket.resume();
}

function flood(socket: Duplex, bytes: number): void {
  let left = bytes;
  const send = (): void => {
    while (left > 0) {
      const part = block.subarray(0, Math.min(left, block.length));
      left -= part.length;
      counts.sent += part.length;
      if (!socket.write(part)) {
        socket.once('drain', send);
        return;
      }
    }
    socket.end();
  };
  send();
}

function behave(how: string, socket: Duplex): void {
  const [kind = '', amount] = how.split('-');
  socket.on('error', () => {});
  socket.on('end', () => (counts.ended += 1));
  switch (kind) {
    case 'echo':
      socket.pipe(socket);
      return;
    case 'flood':
      socket.resume();
      flood(socket, Number(amount));
      return;
    case 'sink':
      count(socket);
      return;
    case 'deaf':
      // Reads nothing until it has been asked, by another connection, to listen.
      socket.pause();
      deaf.push(socket);
      return;
    case 'http2':
      // Not emit('connection'): a TLS socket without ALPN h2 gets a 403 from Node's server.
      http2.performServerHandshake(socket).on('stream', (stream: http2.ServerHttp2Stream) => {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
      });
      return;
    default:
      socket.destroy();
  }
}
const deaf: Duplex[] = [];

const server = https.createServer({ key, cert }, (request, response) => {
  if (request.url === '/listen') for (const socket of deaf.splice(0)) count(socket);
  if (request.url === '/reset') Object.assign(counts, { received: 0, sent: 0, ended: 0 });
  response.end(JSON.stringify(counts));
});
server.on('upgrade', (request, socket: Duplex) => {
  counts.authorization = request.headers.authorization ?? '';
  counts.nonce = String(request.headers['telepresence-nonce']);
  const how = request.url?.replace('/tunnel/', '') ?? '';
  if (how === 'refused') {
    socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 10\r\n\r\nsaid no so');
    return;
  }
  if (how === 'silent') return;
  const accepted = switching(request.headers['sec-websocket-key'] ?? '');
  if (how === 'coalesced') {
    socket.end(`${accepted}came with it`);
    return;
  }
  socket.write(accepted, () => behave(how, socket));
});
server.listen(Number(process.env['TLS_PORT'] ?? 8443));

// On the pod's loopback, as an agent's listener is: only port-forward gets there.
net
  .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.once('data', (first: Buffer) => {
      const text = first.toString('latin1');
      const line = text.slice(0, text.indexOf('\n'));
      socket.pause();
      if (first.length > line.length + 1) socket.unshift(first.subarray(line.length + 1));
      behave(line, socket);
    });
  })
  .listen(9000, '127.0.0.1');
