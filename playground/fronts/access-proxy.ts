import type http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';

/** What an access proxy needs to stand before an API server. */
export interface AccessProxyOptions {
  readonly tls: { readonly cert: string; readonly key: string };
  /** Who signed the users' certificates and the API server's. */
  readonly ca: string;
  /** With this certificate the API server believes the user's name in our headers. */
  readonly identity: { readonly cert: string; readonly key: string };
  /** The API server, as `host:port`. */
  readonly upstream: string;
  /**
   * How the API server is spoken to: `websocket` parses the frames of upgraded connections and
   * passes whole messages on; by `http2` there is no Upgrade at all.
   */
  readonly speaks: 'websocket' | 'http2';
}

/** A proxy that ends TLS, knows the user by certificate, and says who it is to the API server. */
export function createAccessProxy(options: AccessProxyOptions): https.Server {
  const { tls, ca } = options;
  const server = https.createServer({ ...tls, ca, requestCert: true, rejectUnauthorized: false });
  if (options.speaks === 'http2') {
    const upstream = reuse(() =>
      http2.connect(`https://${options.upstream}`, { ...options.identity, ca }),
    );
    server.on('request', (request, response) => passByHttp2(upstream(), request, response));
    return server;
  }
  server.on('request', (request, response) => passByHttp1(options, request, response));
  // A message of any length is passed on; nobody here needs it whole, but a parser has it whole.
  const acceptor = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => first(offered),
  });
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    passWebSocket(options, acceptor, { request, socket, head });
  });
  return server;
}

const first = (offered: ReadonlySet<string>): string | false => [...offered][0] ?? false;

const notPassedOn: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** The user's headers, with who they are by their certificate and without what is between hops. */
function headersFor(request: http.IncomingMessage): http.OutgoingHttpHeaders {
  const kept = Object.entries(request.headers).filter(
    ([name]) => !notPassedOn.has(name) && !/^(x-remote-|sec-websocket-)/.test(name),
  );
  const peer =
    request.socket instanceof TLSSocket ? request.socket.getPeerCertificate() : undefined;
  const { CN, O } = peer?.subject ?? {};
  return {
    ...Object.fromEntries(kept),
    ...(CN === undefined ? {} : { 'x-remote-user': String(CN) }),
    ...(O === undefined ? {} : { 'x-remote-group': [O].flat() }),
  };
}

function passByHttp1(
  { ca, identity, upstream }: AccessProxyOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const { method, url } = request;
  const onward = https.request(`https://${upstream}${url ?? '/'}`, {
    ...identity,
    ca,
    method,
    headers: headersFor(request),
    agent: false,
  });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    response.on('close', () => answer.destroy());
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

function passByHttp2(
  session: http2.ClientHttp2Session,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const { method = 'GET', url = '/' } = request;
  const stream = session.request({ ':method': method, ':path': url, ...headersFor(request) });
  stream.on('response', (headers) => {
    const kept = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    response.writeHead(headers[':status'] ?? 502, Object.fromEntries(kept));
    stream.pipe(response);
  });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.close());
  request.pipe(stream);
}

function passWebSocket(
  { ca, identity, upstream }: AccessProxyOptions,
  acceptor: WebSocketServer,
  client: {
    readonly request: http.IncomingMessage;
    readonly socket: Duplex;
    readonly head: Buffer;
  },
): void {
  const { request, socket, head } = client;
  socket.on('error', () => {});
  const protocols = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
  const onward = new WebSocket(`wss://${upstream}${request.url ?? '/'}`, protocols, {
    ...identity,
    ca,
    headers: stringHeaders(headersFor(request)),
    perMessageDeflate: false,
  });
  onward.on('error', () => socket.destroy());
  onward.on('unexpected-response', (_request, answer) => {
    const words = `${String(answer.statusCode)} ${answer.statusMessage ?? ''}`;
    socket.write(`HTTP/1.1 ${words}\r\nConnection: close\r\n\r\n`);
    answer.pipe(socket);
  });
  onward.on('open', () => {
    acceptor.handleUpgrade(request, socket, head, (near) => {
      relay(near, onward);
      relay(onward, near);
    });
  });
}

const stringHeaders = (headers: http.OutgoingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );

function relay(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, binary) => {
    from.pause();
    to.send(data, { binary }, () => from.resume());
  });
  // What came without a code, or not at all, is passed on as a loss.
  from.on('close', (code, reason) => {
    if (code >= 1000 && code < 5000 && code !== 1005 && code !== 1006) to.close(code, reason);
    else to.terminate();
  });
  from.on('error', () => to.terminate());
}

/** One session at a time, made anew when it is gone. */
function reuse(open: () => http2.ClientHttp2Session): () => http2.ClientHttp2Session {
  let session: http2.ClientHttp2Session | undefined;
  return () => {
    if (session === undefined || session.closed || session.destroyed) {
      session = open();
      session.on('error', () => {});
    }
    return session;
  };
}
