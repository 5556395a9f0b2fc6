/**
 * Capsules (RFC 9297): how datagrams travel on a stream. A capsule is a type and a length, each a
 * variable-length number of 1, 2, 4 or 8 bytes (RFC 9000 §16), and as many bytes.
 */
export interface Capsule {
  readonly type: number;
  readonly value: Buffer;
}

/** `datagram` is RFC 9297's. `unreachable` is ours: the datagrams of this flow reach nobody. */
export const capsuleTypes = { datagram: 0, unreachable: 0x7e1e } as const;

/** No capsule that means something is longer: a UDP payload and its context. */
const longest = 65_536 + 8;

/** Writes a capsule, its value given in parts. */
export function encodeCapsule(type: number, ...value: readonly Buffer[]): Buffer {
  const length = value.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([encodeNumber(type), encodeNumber(length), ...value]);
}

/** A UDP payload as a DATAGRAM capsule of context 0 (RFC 9298 §5). */
export function encodeDatagram(payload: Buffer): Buffer {
  return encodeCapsule(capsuleTypes.datagram, encodeNumber(0), payload);
}

/** The UDP payload in a DATAGRAM capsule; undefined for other capsules and contexts. */
export function decodeDatagram({ type, value }: Capsule): Buffer | undefined {
  if (type !== capsuleTypes.datagram) return undefined;
  const context = decodeNumber(value, 0);
  return context?.value === 0 ? value.subarray(context.end) : undefined;
}

/** Takes capsules out of a stream of bytes. */
export interface CapsuleReader {
  /** The capsules that are complete now; throws a RangeError for one that nobody would send. */
  push(chunk: Buffer): Capsule[];
}

/** A reader that has seen nothing yet. */
export function createCapsuleReader(): CapsuleReader {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const found: Capsule[] = [];
      let at = 0;
      for (;;) {
        const type = decodeNumber(bytes, at);
        const length = type && decodeNumber(bytes, type.end);
        if (type === undefined || length === undefined) break;
        if (length.value > longest) throw new RangeError(`a capsule of ${length.value} bytes`);
        const end = length.end + length.value;
        if (end > bytes.length) break;
        found.push({ type: type.value, value: bytes.subarray(length.end, end) });
        at = end;
      }
      rest = bytes.subarray(at);
      return found;
    },
  };
}

function encodeNumber(value: number): Buffer {
  if (value < 0x40) return Buffer.from([value]);
  const bytes = Buffer.alloc(value < 0x4000 ? 2 : 4);
  if (bytes.length === 2) bytes.writeUInt16BE(value | 0x4000, 0);
  else bytes.writeUInt32BE((value | 0x8000_0000) >>> 0, 0);
  return bytes;
}

function decodeNumber(
  bytes: Buffer,
  at: number,
): { readonly value: number; readonly end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = 1 << (first >> 6);
  const end = at + length;
  if (end > bytes.length) return undefined;
  const low = bytes.readUIntBE(length === 8 ? at + 2 : at, Math.min(length, 6));
  if (length === 8) {
    const high = bytes.readUInt16BE(at) & 0x3fff;
    return { value: high * 2 ** 48 + low, end };
  }
  return { value: low % 2 ** (8 * length - 2), end };
}
