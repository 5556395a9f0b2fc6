import { once } from 'node:events';
import net from 'node:net';
import { toError } from '#base/errors.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A TCP connection, or the reason why not. */
export async function connectTcp(target: HostPort, signal: AbortSignal): Promise<net.Socket> {
  return await settled(net.connect({ ...target, noDelay: true }), 'connect', signal);
}

/** Waits for `event` of a new socket; destroys the socket when it does not come. */
export async function settled<S extends net.Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<S> {
  const closed = Promise.withResolvers<never>();
  const onClose = (): void => closed.reject(new Error('the other side hung up'));
  socket.once('close', onClose);
  try {
    await Promise.race([once(socket, event, { signal }), closed.promise]);
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    signal.throwIfAborted();
    throw toError(error);
  } finally {
    socket.off('close', onClose);
  }
}

/** Host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Port of a URL, also where it is the scheme's own. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  switch (url.protocol) {
    case 'https:':
      return 443;
    case 'socks5:':
    case 'socks5h:':
      return 1080;
    default:
      return 80;
  }
}

/** What a server's URL puts before every path, without the slash at its end. */
export function basePath(url: URL): string {
  return url.pathname.replace(/\/$/, '');
}
