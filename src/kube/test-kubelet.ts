import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { acceptOf } from './websocket-accept.ts';
import { opcode } from './websocket-frames.ts';

/** For tests: the kubelet's side of one port-forward connection. */
export interface TestKubelet {
  readonly request: http.IncomingMessage;
  readonly socket: Duplex;
  /** Messages of the laptop: channel, then bytes; a Close frame ends them. */
  messages(): AsyncGenerator<Buffer, void, undefined>;
  /** Sends one message on a channel, as the kubelet does. */
  send(channel: number, payload: Uint8Array): boolean;
  close(): void;
}

/** Accepts the upgrade and says the port on both channels, as the kubelet does. */
export function acceptPortForward(request: http.IncomingMessage, socket: Duplex): TestKubelet {
  const port = Number(new URL(request.url ?? '', 'http://x').searchParams.get('ports'));
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${acceptOf(request.headers['sec-websocket-key'] ?? '')}\r\n` +
      'Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n',
  );
  const frame = (code: number, payload: Uint8Array): boolean => {
    const head = Buffer.alloc(10);
    head[0] = 0x80 | code;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
    const short = payload.length < 126 ? Buffer.from([0x80 | code, payload.length]) : head;
    return socket.write(Buffer.concat([short, payload]));
  };
  const send = (channel: number, payload: Uint8Array): boolean =>
    frame(opcode.binary, Buffer.concat([Buffer.from([channel]), payload]));
  const portBytes = Buffer.from([port & 0xff, port >> 8]);
  send(0, portBytes);
  send(1, portBytes);
  return {
    request,
    socket,
    send,
    close: () => {
      frame(opcode.close, Buffer.from([0x03, 0xe8]));
      socket.end();
    },
    async *messages() {
      let rest = Buffer.alloc(0);
      for await (const chunk of socket) {
        if (!Buffer.isBuffer(chunk)) continue;
        rest = Buffer.concat([rest, chunk]);
        for (;;) {
          const message = takeFrame(rest);
          if (message === undefined) break;
          rest = rest.subarray(message.bytes);
          if (message.code === opcode.close) return;
          if (message.code === opcode.binary) yield message.payload;
        }
      }
    },
  };
}

function takeFrame(
  from: Buffer,
): { readonly bytes: number; readonly code: number; readonly payload: Buffer } | undefined {
  const size = (from[1] ?? 0) & 0x7f;
  const start = (size === 126 ? 4 : size === 127 ? 10 : 2) + 4;
  if (from.length < start) return undefined;
  const length =
    size === 126 ? from.readUInt16BE(2) : size === 127 ? Number(from.readBigUInt64BE(2)) : size;
  if (from.length < start + length) return undefined;
  const mask = from.subarray(start - 4, start);
  const payload = Buffer.from(
    from.subarray(start, start + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0)),
  );
  return { bytes: start + length, code: (from[0] ?? 0) & 0x0f, payload };
}
