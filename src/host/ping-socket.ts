import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import { decodeIcmpEcho, encodeIcmpEcho, icmpProtocol } from '#protocol/packets/icmp-message.ts';
import { parseIp } from '#protocol/ip-address.ts';

import { openLibc, type Libc } from './libc.ts';

/** A socket for echoes to one host, and what goes over it: 2 bytes of sequence number, then the data. */
export interface EchoSocket {
  readonly socket: Socket;
  /** An echo request, as the kernel wants it. */
  readonly outgoing: (payload: Buffer) => Buffer | undefined;
  /** Its reply; undefined for anything else. */
  readonly incoming: (message: Buffer) => Buffer | undefined;
}

/** AF_INET and AF_INET6; SOCK_DGRAM. */
const families = { 4: 2, 6: 10 } as const;
const datagram = 2;
const sequenceLength = 2;

/**
 * How ping sockets of the kernel are opened. No right is needed for one but that our group is in
 * `net.ipv4.ping_group_range`; a HostError is thrown where it is not. The native library is loaded with
 * the first: few processes ever need it.
 */
export function createOpenEcho(): (host: string) => EchoSocket {
  let libc: Pick<Libc, 'socket'> | undefined;
  return (host) => {
    const family = isIPv6(host) ? 6 : 4;
    libc ??= openLibc();
    const fd = libc.socket(families[family], datagram, icmpProtocol(family));
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
    socket.bind({ fd });
    return { socket, ...codec(host, family) };
  };
}

function codec(host: string, family: 4 | 6): Pick<EchoSocket, 'outgoing' | 'incoming'> {
  const source = parseIp(host);
  return {
    outgoing(payload) {
      if (payload.length < sequenceLength) return undefined;
      const sequence = payload.readUInt16BE(0);
      const data = payload.subarray(sequenceLength);
      // The kernel fills in the identifier, which is the socket's, and the checksum.
      return encodeIcmpEcho({ kind: 'request', id: 0, sequence, data }, family);
    },
    incoming(payload) {
      if (source === undefined) return undefined;
      const protocol = icmpProtocol(family);
      const echo = decodeIcmpEcho({ source, destination: source, protocol, payload });
      if (echo?.kind !== 'reply') return undefined;
      const sequence = Buffer.alloc(sequenceLength);
      sequence.writeUInt16BE(echo.sequence, 0);
      return Buffer.concat([sequence, echo.data]);
    },
  };
}
