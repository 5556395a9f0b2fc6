import type { IpAddress } from '../ip-address.ts';
import { addressBytes } from './address-bytes.ts';

/** The Internet checksum (RFC 1071) over parts, of which only the last may be of odd length. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    const even = part.length & ~1;
    for (let at = 0; at < even; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
    if (even !== part.length) sum += (part[even] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** What TCP, UDP and ICMPv6 count in beside themselves: the addresses, their number and their length. */
export function pseudoHeader(
  { source, destination }: { readonly source: IpAddress; readonly destination: IpAddress },
  protocol: number,
  length: number,
): Uint8Array {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(length, 0);
  tail.writeUInt32BE(protocol, 4);
  return Buffer.concat([addressBytes(source), addressBytes(destination), tail]);
}
