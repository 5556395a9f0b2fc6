/**
 * The way in as plain as Node lets it be, without anything that the product promises: no half-close,
 * no reset, no answer waited for, no backpressure. What the product's own way is held against.
 */
import http2 from 'node:http2';
import type { Http2Stream } from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';

interface Place {
  readonly host: string;
  readonly port: number;
}

const options = { peerMaxConcurrentStreams: 1e6, settings: { initialWindowSize: 1 << 20 } };

function copy(a: Duplex, b: Duplex): void {
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
  a.on('data', (chunk) => b.write(chunk));
  b.on('data', (chunk) => a.write(chunk));
  a.on('end', () => b.end());
  b.on('end', () => a.end());
}

/** Socket to socket. */
export function bareCopy(to: Place): net.Server {
  return net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    copy(socket, net.connect({ ...to, allowHalfOpen: true, noDelay: true }));
  });
}

/** Each connection becomes a stream of the session. */
export function bareAgent(connection: Duplex): net.Server {
  const session = http2.connect('http://x', { ...options, createConnection: () => connection });
  return net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    copy(socket, session.request({ ':method': 'CONNECT', ':authority': 'x:1' }));
  });
}

/** Each stream becomes one of the laptop's session. */
export function bareRelay(): (isLaptop: boolean, connection: Duplex) => void {
  let laptop: http2.ClientHttp2Session | undefined;
  return (isLaptop, connection) => {
    if (isLaptop) {
      laptop = http2.connect('http://x', { ...options, createConnection: () => connection });
      return;
    }
    http2.performServerHandshake(connection, options).on('stream', (stream) => {
      const onward = laptop?.request({ ':method': 'CONNECT', ':authority': 'x:1' });
      if (onward === undefined) return;
      respond(stream);
      copy(stream, onward);
    });
  };
}

/** Each stream becomes a connection. */
export function bareLaptop(connection: Duplex, to: Place): void {
  http2.performServerHandshake(connection, options).on('stream', (stream) => {
    respond(stream);
    copy(stream, net.connect({ ...to, allowHalfOpen: true, noDelay: true }));
  });
}

function respond(stream: Http2Stream): void {
  if ('respond' in stream && typeof stream.respond === 'function') {
    stream.respond({ ':status': 200 }, { sendDate: false });
  }
}
