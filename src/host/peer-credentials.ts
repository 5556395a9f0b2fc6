import { endianness } from 'node:os';
import type { Socket } from 'node:net';

import { socketFd, type Libc } from './libc.ts';

/** Who was at the other end of a unix socket when it was connected (or listened, seen from a client). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** The peer of a unix socket; undefined once it is closed. */
export type ReadPeerCredentials = (socket: Socket) => PeerCredentials | undefined;

const solSocket = 1;
const soPeerCred = 17;

/** Asks the kernel by SO_PEERCRED, which the peer cannot forge. */
export function createReadPeerCredentials(deps: {
  readonly libc: Pick<Libc, 'readSocketOption'>;
}): ReadPeerCredentials {
  return (socket) => {
    const fd = socketFd(socket);
    if (fd === undefined) return undefined;
    const bytes = deps.libc.readSocketOption(fd, solSocket, soPeerCred, 12);
    const read = (at: number): number =>
      endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    return { pid: read(0), uid: read(4), gid: read(8) };
  };
}
