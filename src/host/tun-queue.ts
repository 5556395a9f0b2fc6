import { accessSync, closeSync, constants, openSync, writeSync } from 'node:fs';

import { CodedError, systemCode, toError } from '#base/errors.ts';

import { HostError } from './errors.ts';
import type { Libc } from './libc.ts';
import { hasDevice } from './tun.ts';
import { tunCalls, tunQueueFlags, tunRequest } from './tun-request.ts';

/** A queue of a TUN device, which its owner opens without any right of root's. */
export interface TunQueue extends AsyncDisposable {
  /** Gives a packet to the kernel, as if it had come in by the device. What it does not take is lost. */
  write(packet: Buffer): void;
  /** Resolves when the queue is gone, with why if nobody closed it. */
  readonly closed: Promise<Error | undefined>;
  /** Ends reading and lets go of the device, which lives as long as somebody holds a queue of it. */
  close(): Promise<void>;
}

/** Opens a queue; `onPacket` gets each packet that goes out by the device. */
export type OpenTunQueue = (options: {
  readonly name: string;
  /** The bytes are the packet's for the time of the call only. */
  readonly onPacket: (packet: Buffer) => void;
}) => TunQueue;

interface TunQueueDeps {
  readonly libc: Pick<Libc, 'ioctl' | 'readNow' | 'eventfd' | 'untilReadable'>;
}

const cloneDevice = '/dev/net/tun';
/** The longest packet that there is. */
const longest = 65_535;
/** So many packets are taken in one turn of the loop. */
const packetsAtOnce = 128;
/** A process that ends without closing the queue waits for its threads: at most so long. */
const pollMs = 2000;

/** Whether this user may open TUN devices; which of them is another question. */
export function canOpenTun(): boolean {
  try {
    accessSync(cloneDevice, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** How queues are opened on this machine: one outstanding poll, no read that could hang. */
export function createOpenTunQueue({ libc }: TunQueueDeps): OpenTunQueue {
  return ({ name, onPacket }) => {
    const fd = attach(libc, name);
    const wake = libc.eventfd();
    const buffer = Buffer.alloc(longest);
    const closed = Promise.withResolvers<Error | undefined>();
    const life = { open: true };

    const drain = (): void => {
      for (let count = 0; life.open && count < packetsAtOnce; count += 1) {
        const length = libc.readNow(fd, buffer);
        if (length === undefined) return;
        onPacket(buffer.subarray(0, length));
      }
    };
    const run = async (): Promise<void> => {
      let trouble: Error | undefined;
      try {
        while (life.open) {
          await libc.untilReadable([fd, wake], pollMs);
          drain();
        }
      } catch (error) {
        trouble = toError(error);
      }
      life.open = false;
      closeSync(fd);
      closeSync(wake);
      closed.resolve(trouble);
    };
    void run();

    const close = async (): Promise<void> => {
      if (life.open) {
        life.open = false;
        writeSync(wake, one);
      }
      await closed.promise;
    };
    return {
      closed: closed.promise,
      write(packet) {
        if (!life.open) return;
        try {
          writeSync(fd, packet);
        } catch (error) {
          // Full, down, or gone: as on any wire. Reading finds out what is for good.
          if (systemCode(error) === undefined) throw error;
        }
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  };
}

const one = Buffer.from(new BigUint64Array([1n]).buffer);

function attach(libc: TunQueueDeps['libc'], name: string): number {
  // For root the kernel would make the device.
  if (!hasDevice(name)) throw missing(name);
  let fd: number;
  try {
    fd = openSync(cloneDevice, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    throw new HostError('NotPermitted', `${cloneDevice} cannot be opened by this user`, {
      cause: error,
    });
  }
  try {
    libc.ioctl(fd, tunCalls.setIff, tunRequest(name, tunQueueFlags));
    return fd;
  } catch (error) {
    closeSync(fd);
    const code = systemCode(error instanceof CodedError ? error.cause : error);
    // Without rights the kernel takes the request for one that would make a new device.
    throw code === 'EPERM' ? missing(name, error) : error;
  }
}

function missing(name: string, cause?: unknown): HostError {
  return new HostError('TunMissing', `there is no device ${name} of this user`, { cause });
}
