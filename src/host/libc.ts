import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';

import type koffi from 'koffi';

import { HostError } from './errors.ts';

/** The system calls that Node has no word for. Failures are HostErrors with the system's code. */
export interface Libc {
  /** getsockopt: the option's bytes, at most `length`. */
  readSocketOption(fd: number, level: number, option: number, length: number): Buffer;
  /** setsockopt with a plain number. */
  setSocketOption(fd: number, level: number, option: number, value: number): void;
  /** ioctl with a buffer that the kernel may read and change. */
  ioctl(fd: number, request: number, argument: Buffer): void;
  /** ioctl with a plain number. */
  ioctlNumber(fd: number, request: number, argument: number): void;
  /** read without waiting: how many bytes, or undefined while there are none. */
  readNow(fd: number, into: Buffer): number | undefined;
  /** socket */
  socket(domain: number, type: number, protocol: number): number;
  /** An eventfd: readable once anything has been written to it. */
  eventfd(): number;
  /**
   * poll, on a thread of its own: resolves when one of the files has something to read, failed, or
   * the time is over.
   */
  untilReadable(fds: readonly number[], timeoutMs: number): Promise<void>;
  /** unshare: moves the calling thread, and what it starts from now on, to new namespaces. */
  unshare(flags: number): void;
}

type GetSockOpt = (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: Buffer,
) => number;
type SetSockOpt = (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: number,
) => number;
type Read = (fd: number, into: Buffer, length: number) => number;
interface Poll {
  async(
    files: Buffer,
    count: number,
    timeoutMs: number,
    done: (error: Error | null, result: number) => void,
  ): void;
}
type Ioctl = (fd: number, request: number, type: string, argument: Buffer | number) => number;

/** SOCK_CLOEXEC and EFD_CLOEXEC */
const closeOnExec = 0o2000000;
const pollIn = 1;

/**
 * Opens the C library of this process. koffi's native file is taken from beside the running file
 * (`koffi.node`, as in the images), else from the installed package.
 */
export function openLibc(): Libc {
  const native = loadKoffi();
  const library = native.load(null);
  const getsockopt: GetSockOpt = library.func(
    'int getsockopt(int, int, int, _Inout_ uint8_t *, _Inout_ uint8_t *)',
  );
  const setsockopt: SetSockOpt = library.func(
    'int setsockopt(int, int, int, const uint8_t *, uint32_t)',
  );
  const ioctl: Ioctl = library.func('int ioctl(int, unsigned long, ...)');
  const read: Read = library.func('long read(int, _Out_ uint8_t *, unsigned long)');
  const poll: Poll = library.func('int poll(uint8_t *, unsigned long, int)');
  const socket: (domain: number, type: number, protocol: number) => number = library.func(
    'int socket(int, int, int)',
  );
  const eventfd: (initial: number, flags: number) => number = library.func(
    'int eventfd(unsigned int, int)',
  );
  const unshare: (flags: number) => number = library.func('int unshare(int)');

  // koffi holds on to nothing that it lends to another thread: collected meanwhile, the kernel would
  // write into memory that is somebody else's by then.
  const lent = new Set<Buffer>();
  const check = (call: string, result: number): void => {
    if (result >= 0) return;
    const code = getSystemErrorName(-native.errno());
    throw new HostError('SystemCall', `${call}: ${code}`, {
      cause: Object.assign(new Error(code), { code }),
    });
  };
  return {
    readSocketOption(fd, level, option, length) {
      const value = Buffer.alloc(length);
      const size = Buffer.alloc(4);
      new Uint32Array(size.buffer, size.byteOffset, 1)[0] = length;
      check('getsockopt', getsockopt(fd, level, option, value, size));
      const filled = new Uint32Array(size.buffer, size.byteOffset, 1)[0] ?? 0;
      return value.subarray(0, filled);
    },
    setSocketOption(fd, level, option, value) {
      const bytes = Buffer.alloc(4);
      new Int32Array(bytes.buffer, bytes.byteOffset, 1)[0] = value;
      check('setsockopt', setsockopt(fd, level, option, bytes, bytes.length));
    },
    ioctl(fd, request, argument) {
      check('ioctl', ioctl(fd, request, 'uint8_t *', argument));
    },
    ioctlNumber(fd, request, argument) {
      check('ioctl', ioctl(fd, request, 'long', argument));
    },
    readNow(fd, into) {
      const length = read(fd, into, into.length);
      if (length < 0 && native.errno() === native.os.errno['EAGAIN']) return undefined;
      check('read', length);
      return length;
    },
    socket(domain, type, protocol) {
      const fd = socket(domain, type | closeOnExec, protocol);
      check('socket', fd);
      return fd;
    },
    eventfd() {
      const fd = eventfd(0, closeOnExec);
      check('eventfd', fd);
      return fd;
    },
    async untilReadable(fds, timeoutMs) {
      // struct pollfd: fd, events, revents.
      const files = Buffer.alloc(8 * fds.length);
      const numbers = new Int32Array(files.buffer, files.byteOffset, 2 * fds.length);
      for (const [index, fd] of fds.entries()) {
        numbers[2 * index] = fd;
        new Int16Array(files.buffer, files.byteOffset + 8 * index + 4, 1)[0] = pollIn;
      }
      const done = Promise.withResolvers<void>();
      lent.add(files);
      poll.async(files, fds.length, timeoutMs, (error) => {
        lent.delete(files);
        if (error === null) done.resolve();
        else done.reject(error);
      });
      await done.promise;
    },
    unshare(flags) {
      check('unshare', unshare(flags));
    },
  };
}

/** The file descriptor of an open socket; undefined once it is closed. */
export function socketFd(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

function loadKoffi(): typeof koffi {
  const load = createRequire(import.meta.url);
  const beside = fileURLToPath(new URL('./koffi.node', import.meta.url));
  try {
    const native: typeof koffi = load(existsSync(beside) ? beside : 'koffi');
    return native;
  } catch (error) {
    throw new HostError('NativeMissing', 'the native file of koffi does not load', {
      cause: error,
    });
  }
}
