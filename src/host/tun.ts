import { closeSync, openSync } from 'node:fs';

import { CodedError, systemCode } from '#base/errors.ts';
import type { Subnet } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import type { Libc } from './libc.ts';
import type { RunTool } from './run-tool.ts';
import { formatSubnet } from './subnets.ts';

/** What the device is to carry. */
export interface DesiredTun {
  /** Routed to the device. */
  readonly subnets: readonly Subnet[];
}

/** A TUN device that disappears, with its routes, when this process does. */
export interface TunDevice extends AsyncDisposable {
  readonly name: string;
  /** Makes the device's routes these and no others. */
  apply(desired: DesiredTun, signal: AbortSignal): Promise<void>;
  /** Removes the device. */
  close(): Promise<void>;
}

interface TunDeps {
  readonly libc: Pick<Libc, 'ioctl' | 'ioctlNumber'>;
  readonly runTool: RunTool;
}

interface TunOptions {
  readonly name: string;
  /** The user who may attach queues and read the packets. */
  readonly ownerUid: number;
  readonly signal: AbortSignal;
}

/** linux/if_tun.h */
const setIff = 0x400454ca;
const setOwner = 0x400454cc;
const setQueue = 0x400454d9;
const flagTun = 0x0001;
const flagMultiQueue = 0x0100;
const flagDetachQueue = 0x0400;
const flagNoPacketInfo = 0x1000;
/** struct ifreq: the name in 16 bytes, then a union. */
const ifreqLength = 40;

/**
 * Makes the device and brings it up. It is not persistent: the kernel removes it with the file
 * descriptor. We hold a detached queue only; packets go to the queues that the owner attaches, and
 * nowhere while there is none.
 */
export async function openTun(deps: TunDeps, options: TunOptions): Promise<TunDevice> {
  const { name, ownerUid, signal } = options;
  await using stack = new AsyncDisposableStack();
  const fd = openClone();
  stack.defer(() => closeSync(fd));
  makeDevice(deps.libc, { fd, name, ownerUid });
  await deps.runTool(ip([`link set dev ${name} addrgenmode none up`]), signal);

  let routed: ReadonlySet<string> = new Set();
  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    name,
    async apply({ subnets }, signal) {
      const wanted = new Set(subnets.map(formatSubnet));
      const commands = [
        ...[...routed.difference(wanted)].map((subnet) => `route del ${subnet} dev ${name}`),
        ...[...wanted.difference(routed)].map((subnet) => `route add ${subnet} dev ${name}`),
      ];
      if (commands.length === 0) return;
      await deps.runTool(ip(commands), signal);
      routed = wanted;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openClone(): number {
  try {
    return openSync('/dev/net/tun', 'r+');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw missing
      ? new HostError('TunMissing', '/dev/net/tun is missing: the kernel has no TUN devices', {
          cause: error,
        })
      : new HostError('NotPermitted', 'a TUN device needs root (CAP_NET_ADMIN)', { cause: error });
  }
}

function makeDevice(
  libc: TunDeps['libc'],
  { fd, name, ownerUid }: { fd: number; name: string; ownerUid: number },
): void {
  const ifreq = (flags: number): Buffer => {
    const bytes = Buffer.alloc(ifreqLength);
    bytes.write(name, 0, 15, 'latin1');
    new Uint16Array(bytes.buffer, bytes.byteOffset + 16, 1)[0] = flags;
    return bytes;
  };
  try {
    libc.ioctl(fd, setIff, ifreq(flagTun | flagMultiQueue | flagNoPacketInfo));
    libc.ioctlNumber(fd, setOwner, ownerUid);
    libc.ioctl(fd, setQueue, ifreq(flagDetachQueue));
  } catch (error) {
    const code = systemCode(error instanceof CodedError ? error.cause : error);
    if (code === 'EBUSY' || code === 'EINVAL') {
      throw new HostError('AddressInUse', `there is a network device ${name} already`, {
        cause: error,
      });
    }
    if (code === 'EPERM') {
      throw new HostError('NotPermitted', 'a TUN device needs root (CAP_NET_ADMIN)', {
        cause: error,
      });
    }
    throw error;
  }
}

function ip(commands: readonly string[]): { command: string; args: string[]; input: string } {
  return { command: 'ip', args: ['-batch', '-'], input: `${commands.join('\n')}\n` };
}
