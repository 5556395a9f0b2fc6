import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
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

/** Answers the upgrade; resolves when the answer is flushed, so that HTTP/2 may follow. */
export async function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  // What came together with the request belongs to the stream.
  if (head.length > 0) socket.unshift(head);
  const key = request.headers['sec-websocket-key'];
  const accept =
    key === undefined
      ? ''
      : `Sec-WebSocket-Accept: ${createHash('sha1')
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64')}\r\n`;
  const protocol = /^[\w-]{1,32}$/.exec(request.headers.upgrade ?? '')?.[0] ?? 'websocket';
  const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${accept}\r\n`;
  await new Promise<void>((resolve, reject) => {
    socket.write(answer, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

/** Answers without an upgrade, and closes. */
export function refuseUpgrade(socket: Duplex, status: string, message: string): void {
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  );
}
