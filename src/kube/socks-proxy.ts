import net from 'node:net';
import { once } from 'node:events';
import { KubeError } from './errors.ts';
import { proxyCredentials } from './proxy-credentials.ts';
import type { HostPort } from './tcp.ts';

/**
 * Asks a SOCKS5 proxy (RFC 1928, 1929) for a connection to `target` and gives the socket back as
 * that connection; names are resolved by the proxy, as kubectl has it. Destroys it on failure.
 */
export async function askSocks(
  socket: net.Socket,
  proxy: URL,
  target: HostPort,
  signal: AbortSignal,
): Promise<net.Socket> {
  const fail = (words: string): never => {
    throw new KubeError('Unreachable', `proxy ${proxy.host}: ${words}`);
  };
  try {
    const withPassword = proxy.username !== '';
    socket.write(withPassword ? Buffer.from([5, 2, 0, 2]) : Buffer.from([5, 1, 0]));
    const [version, method] = await exactly(socket, 2, signal);
    if (version !== 5) fail('not a SOCKS5 proxy');
    if (method === 2 && withPassword) {
      const { user, password } = proxyCredentials(proxy);
      if (user.length > 255 || password.length > 255) {
        fail('its user or password is longer than SOCKS5 can say');
      }
      socket.write(
        Buffer.concat([
          Buffer.from([1, user.length]),
          user,
          Buffer.from([password.length]),
          password,
        ]),
      );
      const [, refused] = await exactly(socket, 2, signal);
      if (refused !== 0) fail('user and password were not accepted');
    } else if (method !== 0) {
      fail('it wants a user and a password');
    }
    const port = Buffer.from([target.port >> 8, target.port & 0xff]);
    socket.write(Buffer.concat([Buffer.from([5, 1, 0]), addressBytes(target.host), port]));
    const [, answer = 1, , kind] = await exactly(socket, 4, signal);
    if (answer !== 0) {
      fail(
        `no connection to ${target.host}:${String(target.port)}: ${reasons[answer] ?? 'refused'}`,
      );
    }
    const length = kind === 1 ? 4 : kind === 4 ? 16 : ((await exactly(socket, 1, signal))[0] ?? 0);
    await exactly(socket, length + 2, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function addressBytes(host: string): Buffer {
  const family = net.isIP(host);
  if (family === 4) return Buffer.from([1, ...host.split('.').map(Number)]);
  // An IPv6 address may be a name, too: every proxy parses it.
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

async function exactly(socket: net.Socket, bytes: number, signal: AbortSignal): Promise<Buffer> {
  let have = Buffer.alloc(0);
  for (;;) {
    // All that is there: a socket that is asked for more than it has says again and again that it has some.
    const chunk: unknown = socket.read();
    if (Buffer.isBuffer(chunk)) have = Buffer.concat([have, chunk]);
    if (have.length >= bytes) {
      if (have.length > bytes) socket.unshift(have.subarray(bytes));
      return have.subarray(0, bytes);
    }
    if (chunk !== null) continue;
    if (socket.readableEnded || socket.destroyed) {
      throw new KubeError('Unreachable', 'the proxy hung up');
    }
    await changed(socket, signal);
  }
}

/** Resolves when there is more to read, or nothing ever again. */
async function changed(socket: net.Socket, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const either = { signal: AbortSignal.any([signal, done.signal]) };
  try {
    // An end wakes no reader by `readable` once it was seen.
    await Promise.race(['readable', 'close', 'end'].map((event) => once(socket, event, either)));
  } finally {
    done.abort();
  }
}

const reasons: Readonly<Record<number, string>> = {
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'no answer',
};
