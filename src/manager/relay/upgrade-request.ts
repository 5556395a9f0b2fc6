import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { acceptOf } from '#kube/websocket-accept.ts';
import { createWebSocketDuplex, tunnelProtocol } from '#kube/websocket-duplex.ts';
import {
  parseLaptopRole,
  parseNonce,
  nonceHeader,
  type LaptopRole,
} from '#tunnel/handshake-proof.ts';

/** What a laptop's upgrade asks for. None of it is secret, and nothing of it is proven yet. */
export interface TunnelRequest {
  readonly namespace: string;
  readonly name: string;
  readonly role: LaptopRole;
  readonly laptopNonce: Uint8Array;
}

/** Reads `/tunnel/<namespace>/<connection>/<role>` and the nonce; undefined when it is anything else. */
export function parseTunnelRequest(request: IncomingMessage): TunnelRequest | undefined {
  const match = /^\/tunnel\/([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})\/([a-z]+)$/.exec(
    request.url ?? '',
  );
  const role = parseLaptopRole(match?.[3] ?? '');
  const [, namespace, name] = match ?? [];
  if (role === undefined || namespace === undefined || name === undefined) return undefined;
  try {
    return { namespace, name, role, laptopNonce: parseNonce(request.headers[nonceHeader]) };
  } catch {
    return undefined;
  }
}

/**
 * Answers the upgrade; resolves when the answer is flushed, so that HTTP/2 may follow. What comes
 * back carries the tunnel's bytes: the socket itself, or, for a laptop that asks for the subprotocol
 * because something on the way parses WebSockets, the bytes in its frames.
 */
export async function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<Duplex> {
  // What came together with the request belongs to the stream.
  if (head.length > 0) socket.unshift(head);
  const key = request.headers['sec-websocket-key'];
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  const framed = offered.some((each) => each.trim() === tunnelProtocol);
  const answer = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    `Upgrade: ${/^[\w-]{1,32}$/.exec(request.headers.upgrade ?? '')?.[0] ?? 'websocket'}`,
    ...(key === undefined ? [] : [`Sec-WebSocket-Accept: ${acceptOf(key)}`]),
    ...(framed ? [`Sec-WebSocket-Protocol: ${tunnelProtocol}`] : []),
    '\r\n',
  ].join('\r\n');
  await new Promise<void>((resolve, reject) => {
    socket.write(answer, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
  if (!framed) return socket;
  const duplex = createWebSocketDuplex(socket, { end: 'server', what: 'laptop' });
  duplex.on('error', () => {});
  return duplex;
}

/** Answers without an upgrade, and closes. */
export function refuseUpgrade(socket: Duplex, status: string, message: string): void {
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  );
}
