import type { IpAddress } from '../ip-address.ts';
import { checksum, pseudoHeader } from './checksum.ts';
import { encodeIpPacket, ipProtocols } from './ip-packet.ts';

/** A TCP header; what follows it is nobody's business here. */
export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** `tcpFlags`, added up. */
  readonly flags: number;
}

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;

const length = 20;

/** Reads the header of a TCP segment; undefined where it is cut off. */
export function decodeTcpSegment(bytes: Buffer): TcpSegment | undefined {
  if (bytes.length < length) return undefined;
  const headerLength = ((bytes[12] ?? 0) >> 4) * 4;
  if (headerLength < length || headerLength > bytes.length) return undefined;
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledgement: bytes.readUInt32BE(8),
    flags: (bytes[13] ?? 0) & 0x3f,
  };
}

/** A packet with this segment, which carries nothing. */
export function encodeTcpPacket(
  addresses: { readonly source: IpAddress; readonly destination: IpAddress },
  segment: TcpSegment,
): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(segment.sourcePort, 0);
  bytes.writeUInt16BE(segment.destinationPort, 2);
  bytes.writeUInt32BE(segment.sequence >>> 0, 4);
  bytes.writeUInt32BE(segment.acknowledgement >>> 0, 8);
  bytes[12] = (length / 4) << 4;
  bytes[13] = segment.flags;
  bytes.writeUInt16BE(checksum(pseudoHeader(addresses, ipProtocols.tcp, length), bytes), 16);
  return encodeIpPacket({ ...addresses, protocol: ipProtocols.tcp, payload: bytes });
}
