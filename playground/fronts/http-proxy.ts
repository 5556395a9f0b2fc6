import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';

interface Options {
  /** Certificate and key of a proxy that is itself reached by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** `user:password`, without which it asks for them. */
  readonly credentials?: string;
}

/** A proxy that knows CONNECT alone, as companies have them. */
export function createHttpProxy(options: Options): net.Server {
  const server = options.tls === undefined ? http.createServer() : https.createServer(options.tls);
  const wanted =
    options.credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(options.credentials).toString('base64')}`;
  server.on('request', (_request, response: http.ServerResponse) => {
    response.writeHead(405).end('only CONNECT\n');
  });
  server.on('connect', (request: http.IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {});
    if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted) {
      client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="playground"\r\n' +
          'Content-Length: 0\r\n\r\n',
      );
      return;
    }
    const target = URL.parse(`http://${request.url ?? ''}`);
    if (target === null) {
      client.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const port = Number(target.port || '80');
    const onward = net.connect({ port, host: target.hostname, noDelay: true });
    onward.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) onward.write(head);
      join(client, onward);
    });
    onward.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
    client.on('close', () => onward.destroy());
  });
  return server;
}

/** Passes bytes both ways until either side is gone. */
export function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
