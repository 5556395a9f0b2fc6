import { longestPacket } from './numbers.ts';

/** One packet without its length. */
export interface SftpPacket {
  readonly type: number;
  readonly body: Buffer;
}

/** Takes packets out of a stream of bytes. */
export interface PacketReader {
  /** The packets that are complete now; throws a RangeError for one that nobody would send. */
  push(chunk: Buffer): SftpPacket[];
}

/** A reader that has seen nothing yet. It holds no more than one packet's bytes. */
export function createPacketReader(): PacketReader {
  let parts: Buffer[] = [];
  let held = 0;
  return {
    push(chunk) {
      parts.push(chunk);
      held += chunk.length;
      const found: SftpPacket[] = [];
      for (;;) {
        // Joined only when something whole is there: a long packet comes in many pieces.
        if (held < 5) break;
        if ((parts[0]?.length ?? 0) < 4) parts = [Buffer.concat(parts)];
        const length = parts[0]?.readUInt32BE() ?? 0;
        if (length < 1 || length > longestPacket) throw new RangeError(`a packet of ${length}`);
        if (held < length + 4) break;
        const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
        if (bytes === undefined) break;
        found.push({ type: bytes.readUInt8(4), body: bytes.subarray(5, length + 4) });
        const rest = bytes.subarray(length + 4);
        parts = rest.length === 0 ? [] : [rest];
        held = rest.length;
      }
      return found;
    },
  };
}
