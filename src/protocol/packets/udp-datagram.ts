import type { IpAddress } from '../ip-address.ts';
import { checksum, pseudoHeader } from './checksum.ts';
import { encodeIpPacket, ipProtocols } from './ip-packet.ts';

/** A UDP datagram. */
export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Buffer;
}

const headerLength = 8;

/** Reads a UDP datagram; undefined where it is cut off. */
export function decodeUdpDatagram(bytes: Buffer): UdpDatagram | undefined {
  if (bytes.length < headerLength) return undefined;
  const length = bytes.readUInt16BE(4);
  if (length < headerLength || length > bytes.length) return undefined;
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    payload: bytes.subarray(headerLength, length),
  };
}

/** A packet with this datagram. */
export function encodeUdpPacket(
  addresses: { readonly source: IpAddress; readonly destination: IpAddress },
  { sourcePort, destinationPort, payload }: UdpDatagram,
): Buffer {
  const header = Buffer.alloc(headerLength);
  const length = headerLength + payload.length;
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(length, 4);
  const sum = checksum(pseudoHeader(addresses, ipProtocols.udp, length), header, payload);
  // Zero would say that there is none.
  header.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return encodeIpPacket({
    ...addresses,
    protocol: ipProtocols.udp,
    payload: Buffer.concat([header, payload]),
  });
}
