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

/** Which end of a WebSocket; a client's frames are masked, a server's are not (RFC 6455 §5.1). */
export type WebSocketEnd = 'client' | 'server';

/** A piece of one frame's payload; a frame may come in many pieces, an empty one in one. */
export interface FramePiece {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Whether a message starts here: not true for later pieces and continuation frames. */
  readonly first: boolean;
  /** Whether the frame ends here. */
  readonly last: boolean;
}

/** The head of one whole message without a mask; its `length` bytes of payload follow. */
export function encodeHead(code: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(2 + lengthBytes(length));
  writeHead(head, { code, length, masked: false });
  return head;
}

/** One whole message from a client, masked with `mask` (4 bytes, fresh for each: §5.3). */
export function encodeFrame(code: number, payload: Uint8Array, mask: Uint8Array): Buffer {
  const { length } = payload;
  const start = 2 + lengthBytes(length) + 4;
  // So that the payload starts on a word.
  const spare = (4 - (start % 4)) % 4;
  const frame = Buffer.from(new ArrayBuffer(spare + start + length), spare);
  writeHead(frame, { code, length, masked: true });
  frame.set(mask, start - 4);
  frame.set(payload, start);
  applyMask(frame.subarray(start), mask, 0);
  return frame;
}

function lengthBytes(length: number): 0 | 2 | 8 {
  return length < 126 ? 0 : length < 65_536 ? 2 : 8;
}

function writeHead(
  into: Buffer,
  frame: { readonly code: number; readonly length: number; readonly masked: boolean },
): void {
  const { length } = frame;
  const bytes = lengthBytes(length);
  into[0] = 0x80 | frame.code;
  into[1] = (frame.masked ? 0x80 : 0) | (bytes === 0 ? length : bytes === 2 ? 126 : 127);
  if (bytes === 2) into.writeUInt16BE(length, 2);
  if (bytes === 8) into.writeBigUInt64BE(BigInt(length), 2);
}

/** Masks or unmasks in place what stands `at` bytes behind the start of a payload. */
function applyMask(bytes: Buffer, mask: Uint8Array, at: number): void {
  const untilWord = Math.min((4 - (bytes.byteOffset % 4)) % 4, bytes.length);
  const words = (bytes.length - untilWord) >> 2;
  maskBytes(bytes, mask, { from: 0, to: untilWord, at });
  if (words > 0) {
    const phase = at + untilWord;
    const turned = Uint8Array.from([0, 1, 2, 3], (index) => mask[(phase + index) % 4] ?? 0);
    const [key = 0] = new Uint32Array(turned.buffer);
    const view = new Uint32Array(bytes.buffer, bytes.byteOffset + untilWord, words);
    for (let index = 0; index < words; index += 1) view[index] = (view[index] ?? 0) ^ key;
  }
  maskBytes(bytes, mask, { from: untilWord + words * 4, to: bytes.length, at });
}

function maskBytes(
  bytes: Buffer,
  mask: Uint8Array,
  { from, to, at }: { readonly from: number; readonly to: number; readonly at: number },
): void {
  for (let index = from; index < to; index += 1) {
    bytes[index] = (bytes[index] ?? 0) ^ (mask[(at + index) % 4] ?? 0);
  }
}

const longestHead = 14;
const longestControl = 125;

interface Head {
  readonly bytes: number;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Uint8Array | undefined;
}

/**
 * Reads the frames of a client or a server from bytes in any split, and unmasks them where they
 * are. Throws on what that end may not send.
 */
export function createFrameReader(
  from: WebSocketEnd,
): (chunk: Buffer) => Generator<FramePiece, void, undefined> {
  let start = Buffer.alloc(0);
  let current: { readonly head: Head; done: number; first: boolean } | undefined;
  return function* read(chunk) {
    let rest = chunk;
    for (;;) {
      if (current === undefined) {
        const had = start.length;
        start = Buffer.concat([start, rest.subarray(0, longestHead - had)]);
        const head = parseHead(start, from);
        if (head === undefined) return;
        rest = rest.subarray(head.bytes - had);
        start = Buffer.alloc(0);
        current = { head, done: 0, first: head.opcode !== opcode.continuation };
      } else if (rest.length === 0) {
        return;
      }
      const { head, first, done } = current;
      if (rest.length === 0 && head.length > 0) return;
      const payload = rest.subarray(0, head.length - done);
      if (head.mask !== undefined) applyMask(payload, head.mask, done);
      rest = rest.subarray(payload.length);
      current.done += payload.length;
      current.first = false;
      const last = current.done === head.length;
      if (last) current = undefined;
      yield { opcode: head.opcode, payload, first, last };
    }
  };
}

function parseHead(start: Buffer, from: WebSocketEnd): Head | undefined {
  const [code, size] = start;
  if (code === undefined || size === undefined) return undefined;
  const masked = (size & 0x80) !== 0;
  if ((code & 0x70) !== 0 || masked !== (from === 'client') || !known.has(code & 0x0f)) {
    throw new KubeError('Other', `not a WebSocket frame of a ${from}`);
  }
  const short = size & 0x7f;
  if ((code & 0x0f) >= opcode.close && (short > longestControl || (code & 0x80) === 0)) {
    throw new KubeError('Other', 'a WebSocket control frame that is too long');
  }
  const lengthAt = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8);
  const bytes = lengthAt + (masked ? 4 : 0);
  if (start.length < bytes) return undefined;
  const length =
    short < 126 ? short : short === 126 ? start.readUInt16BE(2) : Number(start.readBigUInt64BE(2));
  if (length > Number.MAX_SAFE_INTEGER) {
    throw new KubeError('Other', 'a WebSocket frame that is too long');
  }
  const mask = masked ? Uint8Array.from(start.subarray(lengthAt, bytes)) : undefined;
  return { bytes, opcode: code & 0x0f, length, mask };
}

const known: ReadonlySet<number> = new Set(Object.values(opcode));
