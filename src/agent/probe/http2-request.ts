import type { Sign } from './sign-kinds.ts';

/** With this every HTTP/2 client begins (RFC 9113 section 3.4). */
export const http2Preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** With this a server may begin: it has no wishes. */
export const emptySettings = Buffer.from('000000040000000000', 'hex');

const headFrameBytes = 9;
/** Longer frames may be sent only after the server has allowed them. */
const frameLimit = 16 * 1024;
const headersType = 1;
const settingsType = 4;
const ackFlag = 0x1;
const paddedFlag = 0x8;
const priorityFlag = 0x20;
/** Number of `user-agent` in HPACK's static table (RFC 7541 appendix A). */
const userAgentIndex = 58;
/** `kube-probe/` as it is, and in HPACK's Huffman code, where it fills 64 bits exactly. */
const kubeProbe = Buffer.from('kube-probe/');
const kubeProbeCoded = Buffer.from('eb6c655abb0f1958', 'hex');

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly from: number;
  readonly payload: Buffer;
  readonly to: number;
}

/** The sign in what an HTTP/2 client has sent, which begins with the preface. */
export function signOfHttp2(bytes: Buffer): Sign {
  let at = http2Preface.length;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at);
    if (typeof frame === 'string') return frame;
    if (frame.type === headersType) return isProbe(blockOf(frame)) ? 'kubelet' : 'other';
    at = frame.to;
  }
  return at > http2Preface.length ? 'waits' : 'more';
}

/**
 * The same bytes without the client's first acknowledgement of settings, which no other server than
 * the one whose settings they were may see; undefined while it has not come.
 */
export function withoutAcknowledgement(bytes: Buffer): Buffer | undefined {
  let at = http2Preface.length;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at);
    if (typeof frame === 'string') return undefined;
    if (frame.type === settingsType && (frame.flags & ackFlag) !== 0) {
      return Buffer.concat([bytes.subarray(0, frame.from), bytes.subarray(frame.to)]);
    }
    at = frame.to;
  }
  return undefined;
}

function frameAt(bytes: Buffer, from: number): Frame | 'more' | 'other' {
  if (bytes.length < from + headFrameBytes) return 'more';
  const length = bytes.readUIntBE(from, 3);
  if (length > frameLimit) return 'other';
  const to = from + headFrameBytes + length;
  if (bytes.length < to) return 'more';
  return {
    type: bytes.readUInt8(from + 3),
    flags: bytes.readUInt8(from + 4),
    from,
    payload: bytes.subarray(from + headFrameBytes, to),
    to,
  };
}

function blockOf({ flags, payload }: Frame): Buffer {
  const before = ((flags & paddedFlag) === 0 ? 0 : 1) + ((flags & priorityFlag) === 0 ? 0 : 5);
  return payload.subarray(before);
}

/** Walks the fields of a connection's first header block; one that ends early is not a probe's. */
function isProbe(block: Buffer): boolean {
  let at = 0;
  while (at < block.length) {
    const first = block.readUInt8(at);
    const isIndexed = (first & 0x80) !== 0;
    const isTableSize = (first & 0xe0) === 0x20;
    const bits = isIndexed ? 7 : (first & 0x40) !== 0 ? 6 : isTableSize ? 5 : 4;
    const index = integerAt(block, at, bits);
    if (index === undefined) return false;
    at = index.to;
    if (isIndexed || isTableSize) continue;
    const name = index.value === 0 ? textAt(block, at) : undefined;
    if (index.value === 0 && name === undefined) return false;
    const value = textAt(block, name?.to ?? at);
    if (value === undefined) return false;
    if (index.value === userAgentIndex) {
      const start = value.isCoded ? kubeProbeCoded : kubeProbe;
      return value.bytes.subarray(0, start.length).equals(start);
    }
    at = value.to;
  }
  return false;
}

interface Integer {
  readonly value: number;
  readonly to: number;
}

/** RFC 7541 section 5.1. */
function integerAt(block: Buffer, from: number, bits: number): Integer | undefined {
  const all = 2 ** bits - 1;
  const first = block[from];
  if (first === undefined) return undefined;
  let value = first & all;
  if (value < all) return { value, to: from + 1 };
  for (let count = 0; count < 4; count += 1) {
    const byte = block[from + 1 + count];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte < 0x80) return { value, to: from + 2 + count };
  }
  return undefined;
}

/** RFC 7541 section 5.2, not decoded. */
function textAt(
  block: Buffer,
  from: number,
): { readonly isCoded: boolean; readonly bytes: Buffer; readonly to: number } | undefined {
  const length = integerAt(block, from, 7);
  if (length === undefined) return undefined;
  const to = length.to + length.value;
  if (to > block.length) return undefined;
  const isCoded = (block.readUInt8(from) & 0x80) !== 0;
  return { isCoded, bytes: block.subarray(length.to, to), to };
}
