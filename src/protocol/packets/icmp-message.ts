import type { IpAddress } from '../ip-address.ts';
import { checksum, pseudoHeader } from './checksum.ts';
import { encodeIpPacket, ipProtocols, type IpPacket } from './ip-packet.ts';

/** An echo request or its reply. */
export interface IcmpEcho {
  readonly kind: 'request' | 'reply';
  readonly id: number;
  readonly sequence: number;
  readonly data: Buffer;
}

/** Why a packet does not reach its destination. */
export type Unreachable = 'host' | 'port' | 'prohibited';

const headerLength = 8;
const echoTypes = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
/** RFC 792 and 1812, RFC 4443. */
const unreachable = {
  4: { type: 3, codes: { host: 1, port: 3, prohibited: 13 } },
  6: { type: 1, codes: { host: 3, port: 4, prohibited: 1 } },
} as const;
/** So much of the lost packet is sent back: no error is longer than the smallest MTU. */
const quoted = { 4: 576 - 20 - headerLength, 6: 1280 - 40 - headerLength } as const;

/** The protocol that is ICMP in that family. */
export function icmpProtocol(family: 4 | 6): number {
  return family === 4 ? ipProtocols.icmp : ipProtocols.icmpv6;
}

/** The echo request or reply in a packet; undefined for anything else. */
export function decodeIcmpEcho({ source, protocol, payload }: IpPacket): IcmpEcho | undefined {
  const { family } = source;
  if (protocol !== icmpProtocol(family) || payload.length < headerLength) return undefined;
  const { request, reply } = echoTypes[family];
  const type = payload[0];
  if (payload[1] !== 0 || (type !== request && type !== reply)) return undefined;
  return {
    kind: type === request ? 'request' : 'reply',
    id: payload.readUInt16BE(4),
    sequence: payload.readUInt16BE(6),
    data: payload.subarray(headerLength),
  };
}

/** An echo request or reply as the payload of a packet, its checksum not yet in it. */
export function encodeIcmpEcho({ kind, id, sequence, data }: IcmpEcho, family: 4 | 6): Buffer {
  const header = Buffer.alloc(headerLength);
  header[0] = echoTypes[family][kind];
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(sequence, 6);
  return Buffer.concat([header, data]);
}

/** A packet with that echo. */
export function encodeEchoPacket(addresses: Addresses, echo: IcmpEcho): Buffer {
  return encodeIcmpPacket(addresses, encodeIcmpEcho(echo, addresses.source.family));
}

/** The packet that tells its sender that `lost`, a whole packet from there, does not arrive. */
export function encodeUnreachablePacket(
  addresses: Addresses,
  { why, lost }: { readonly why: Unreachable; readonly lost: Buffer },
): Buffer {
  const { family } = addresses.source;
  const { type, codes } = unreachable[family];
  const header = Buffer.alloc(headerLength);
  header[0] = type;
  header[1] = codes[why];
  return encodeIcmpPacket(addresses, Buffer.concat([header, lost.subarray(0, quoted[family])]));
}

interface Addresses {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

function encodeIcmpPacket(addresses: Addresses, message: Buffer): Buffer {
  const { family } = addresses.source;
  const protocol = icmpProtocol(family);
  const sum =
    family === 4
      ? checksum(message)
      : checksum(pseudoHeader(addresses, protocol, message.length), message);
  message.writeUInt16BE(sum, 2);
  return encodeIpPacket({ ...addresses, protocol, payload: message });
}
