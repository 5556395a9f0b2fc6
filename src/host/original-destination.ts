import type { Socket } from 'node:net';

import { CodedError, systemCode } from '#base/errors.ts';
import { formatIp } from '#protocol/ip-address.ts';

import { socketFd, type Libc } from './libc.ts';

/** An address and a port as the kernel had them before it redirected. */
export interface OriginalDestination {
  readonly address: string;
  readonly port: number;
}

/**
 * Where an accepted connection wanted to go before nft redirected it. Undefined when it was not
 * redirected (somebody dialled the listener itself) or is closed already: such a connection must
 * be reset, or any process could make the cluster side dial its own loopback.
 */
export type ReadOriginalDestination = (socket: Socket) => OriginalDestination | undefined;

const solIp = 0;
const solIpv6 = 41;
/** SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST share their number. */
const originalDst = 80;
const lengthIpv4 = 16;
const lengthIpv6 = 28;
const mappedPrefix = '::ffff:';
/** No conntrack entry; an address family without one; closed meanwhile. */
const notRedirected: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTCONN', 'EBADF']);

/** Asks the kernel (conntrack) through getsockopt. Works for IPv4, IPv6 and IPv4 on a dual socket. */
export function createReadOriginalDestination(deps: {
  readonly libc: Pick<Libc, 'readSocketOption'>;
}): ReadOriginalDestination {
  return (socket) => {
    const fd = socketFd(socket);
    const own = socket.localAddress;
    if (fd === undefined || own === undefined) return undefined;
    const ipv4 = !own.includes(':') || own.startsWith(mappedPrefix);
    try {
      const original = ipv4
        ? parseIpv4(deps.libc.readSocketOption(fd, solIp, originalDst, lengthIpv4))
        : parseIpv6(deps.libc.readSocketOption(fd, solIpv6, originalDst, lengthIpv6));
      const ownAddress = own.startsWith(mappedPrefix) ? own.slice(mappedPrefix.length) : own;
      const same = original.address === ownAddress && original.port === socket.localPort;
      return same ? undefined : original;
    } catch (error) {
      const cause = error instanceof CodedError ? error.cause : undefined;
      if (notRedirected.has(systemCode(cause))) return undefined;
      throw error;
    }
  };
}

/** struct sockaddr_in: family, port, address. */
function parseIpv4(bytes: Buffer): OriginalDestination {
  return { address: [...bytes.subarray(4, 8)].join('.'), port: bytes.readUInt16BE(2) };
}

/** struct sockaddr_in6: family, port, flow, address, scope. */
function parseIpv6(bytes: Buffer): OriginalDestination {
  const value = BigInt(`0x${bytes.toString('hex', 8, 24)}`);
  return { address: formatIp({ family: 6, value }), port: bytes.readUInt16BE(2) };
}
