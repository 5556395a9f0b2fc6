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
type Ioctl = (fd: number, request: number, type: string, argument: Buffer | number) => number;

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
  const unshare: (flags: number) => number = library.func('int unshare(int)');

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
