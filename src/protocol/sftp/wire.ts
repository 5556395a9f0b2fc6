/**
 * SFTP's numbers and strings. A string is bytes, held one character a byte (latin1): names of files
 * need not be text, and no byte of them is lost.
 */
export interface WireReader {
  readonly rest: number;
  uint32(): number;
  /** Throws a RangeError for one that no file can have. */
  uint64(): number;
  bytes(): Buffer;
  string(): string;
}

/** Reads from the start of `body`; throws a RangeError where it is too short. */
export function readWire(body: Buffer): WireReader {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > body.length - at) throw new RangeError('a packet that is too short');
    at += length;
    return body.subarray(at - length, at);
  };
  const uint32 = (): number => take(4).readUInt32BE();
  return {
    get rest() {
      return body.length - at;
    },
    uint32,
    uint64() {
      const value = take(8).readBigUInt64BE();
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`the number ${value}`);
      return Number(value);
    },
    bytes: () => take(uint32()),
    string: () => take(uint32()).toString('latin1'),
  };
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Bytes behind their length. */
export function lengthAndBytes(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function string(text: string): Buffer {
  return lengthAndBytes(Buffer.from(text, 'latin1'));
}

/** A whole packet: length, type, and what is in it. */
export function packet(type: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 1);
  return Buffer.concat([uint32(length), Buffer.of(type), ...parts], length + 4);
}
