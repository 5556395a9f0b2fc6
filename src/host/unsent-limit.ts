import type { Socket } from 'node:net';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { socketFd, type Libc } from './libc.ts';

const ipprotoTcp = 6;
const tcpNotsentLowat = 25;
/** More than this the kernel does not take before it has sent what it has. */
export const unsentBytes = 128 * 1024;

/**
 * Keeps the kernel's queue of unsent bytes short (TCP_NOTSENT_LOWAT), so that a small flow on the same
 * connection waits for little of a bulk upload's. A kernel without it is only slower.
 */
export function createLimitUnsent(deps: {
  readonly libc: Pick<Libc, 'setSocketOption'>;
  readonly log: Logger;
}): (socket: Socket) => void {
  return (socket) => {
    const fd = socketFd(socket);
    if (fd === undefined) return;
    try {
      deps.libc.setSocketOption(fd, ipprotoTcp, tcpNotsentLowat, unsentBytes);
    } catch (error) {
      deps.log.debug('unsent bytes not limited', { reason: describe(error) });
    }
  };
}
