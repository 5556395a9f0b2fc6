import { KubeError } from './errors.ts';

/** Opcodes of RFC 6455 §11.8. */
export const opcode = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** A piece of one frame's payload; a frame may come in many pieces, an empty one in one. */
export interface FramePiece {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Whether a message starts here: not true for later pieces and continuation frames. */
  readonly first: boolean;
  /** Whether the frame ends here. */
  readonly last: boolean;
}

/** One whole message from a client, masked with `mask` (4 bytes, fresh for each: §5.3). */
export function encodeFrame(code: number, payload: Uint8Array, mask: Uint8Array): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + 4;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | code;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(mask, start - 4);
  const [a = 0, b = 0, c = 0, d = 0] = mask;
  frame.set(payload, start);
  let at = start;
  for (const end = frame.length - 3; at < end; at += 4) {
    frame[at] = (frame[at] ?? 0) ^ a;
    frame[at + 1] = (frame[at + 1] ?? 0) ^ b;
    frame[at + 2] = (frame[at + 2] ?? 0) ^ c;
    frame[at + 3] = (frame[at + 3] ?? 0) ^ d;
  }
  for (; at < frame.length; at += 1) frame[at] = (frame[at] ?? 0) ^ (mask[(at - start) % 4] ?? 0);
  return frame;
}

const headerBytes = 10;
const longestControl = 125;

/** Reads a server's frames from bytes in any split; throws on what no server may send. */
export function createFrameReader(): (chunk: Buffer) => Generator<FramePiece, void, undefined> {
  let header = Buffer.alloc(0);
  let current: { readonly opcode: number; left: number; first: boolean } | undefined;
  return function* read(chunk) {
    let rest = chunk;
    for (;;) {
      if (current === undefined) {
        const had = header.length;
        header = Buffer.concat([header, rest.subarray(0, headerBytes - had)]);
        const parsed = parseHeader(header);
        if (parsed === undefined) return;
        rest = rest.subarray(parsed.bytes - had);
        header = Buffer.alloc(0);
        current = {
          opcode: parsed.opcode,
          left: parsed.length,
          first: parsed.opcode !== opcode.continuation,
        };
      } else if (rest.length === 0) {
        return;
      }
      if (rest.length === 0 && current.left > 0) return;
      const payload = rest.subarray(0, current.left);
      rest = rest.subarray(payload.length);
      const { first } = current;
      current.left -= payload.length;
      current.first = false;
      const { opcode: code, left } = current;
      if (left === 0) current = undefined;
      yield { opcode: code, payload, first, last: left === 0 };
    }
  };
}

function parseHeader(
  header: Buffer,
): { readonly bytes: number; readonly opcode: number; readonly length: number } | undefined {
  const [start, size] = header;
  if (start === undefined || size === undefined) return undefined;
  const code = start & 0x0f;
  if ((start & 0x70) !== 0 || (size & 0x80) !== 0) {
    throw new KubeError('Other', 'not a WebSocket frame of a server');
  }
  if (code >= opcode.close && (size > longestControl || (start & 0x80) === 0)) {
    throw new KubeError('Other', 'a WebSocket control frame that is too long');
  }
  if (size < 126) return { bytes: 2, opcode: code, length: size };
  if (size === 126) {
    return header.length < 4
      ? undefined
      : { bytes: 4, opcode: code, length: header.readUInt16BE(2) };
  }
  if (header.length < 10) return undefined;
  const length = header.readBigUInt64BE(2);
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new KubeError('Other', 'a WebSocket frame that is too long');
  }
  return { bytes: 10, opcode: code, length: Number(length) };
}
