import type { IpAddress } from '../ip-address.ts';
import { addressAt, addressBytes } from './address-bytes.ts';
import { checksum } from './checksum.ts';

/** A whole IPv4 or IPv6 packet; both addresses are of one family. */
export interface IpPacket {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Of what the payload is: `ipProtocols`. */
  readonly protocol: number;
  readonly payload: Buffer;
}

/** The protocols that we know, by their number. */
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

const shortestV4 = 20;
const lengthV6 = 40;
const hops = 64;
/** Header extensions that may be skipped: hop-by-hop options, destination options. */
const skippable: ReadonlySet<number> = new Set([0, 60]);

/**
 * Reads a packet as the kernel gives it to a TUN device; undefined for what is none, is cut off, or is
 * a fragment (the device's MTU is so large that the kernel makes none).
 */
export function decodeIpPacket(bytes: Buffer): IpPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return decodeV4(bytes);
  return version === 6 ? decodeV6(bytes) : undefined;
}

function decodeV4(bytes: Buffer): IpPacket | undefined {
  if (bytes.length < shortestV4) return undefined;
  const headerLength = ((bytes[0] ?? 0) & 0xf) * 4;
  const length = bytes.readUInt16BE(2);
  if (headerLength < shortestV4 || length < headerLength || length > bytes.length) return undefined;
  // More fragments follow, or this one is not the first.
  if ((bytes.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  return {
    source: addressAt(bytes, 12, 4),
    destination: addressAt(bytes, 16, 4),
    protocol: bytes[9] ?? 0,
    payload: bytes.subarray(headerLength, length),
  };
}

function decodeV6(bytes: Buffer): IpPacket | undefined {
  if (bytes.length < lengthV6) return undefined;
  const end = lengthV6 + bytes.readUInt16BE(4);
  if (end > bytes.length) return undefined;
  let protocol = bytes[6] ?? 0;
  let at = lengthV6;
  while (skippable.has(protocol)) {
    if (at + 8 > end) return undefined;
    protocol = bytes[at] ?? 0;
    at += 8 + (bytes[at + 1] ?? 0) * 8;
  }
  if (at > end) return undefined;
  return {
    source: addressAt(bytes, 8, 6),
    destination: addressAt(bytes, 24, 6),
    protocol,
    payload: bytes.subarray(at, end),
  };
}

/** What every network takes whole. */
const everyMtu = 576;

/** Writes a packet of at most 65,535 bytes, headers included. */
export function encodeIpPacket({ source, destination, protocol, payload }: IpPacket): Buffer {
  const from = addressBytes(source);
  const to = addressBytes(destination);
  if (source.family === 4) {
    const header = Buffer.alloc(shortestV4);
    header[0] = 0x45;
    header.writeUInt16BE(shortestV4 + payload.length, 2);
    // What is for this machine is never fragmented; to a container on a bridge it may have to be, and
    // then its parts are known by this number: parts of two are never mixed unless the two are one.
    if (shortestV4 + payload.length <= everyMtu) header.writeUInt16BE(0x4000, 6);
    else header.writeUInt16BE(checksum(payload), 4);
    header[8] = hops;
    header[9] = protocol;
    from.copy(header, 12);
    to.copy(header, 16);
    header.writeUInt16BE(checksum(header), 10);
    return Buffer.concat([header, payload]);
  }
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = protocol;
  header[7] = hops;
  return Buffer.concat([header, from, to, payload]);
}

/** The most that a UDP datagram carries in a packet of that family. */
export function largestDatagram(family: 4 | 6): number {
  return family === 4 ? 65_535 - shortestV4 - 8 : 65_535 - 8;
}
