import net, { isIPv6 } from 'node:net';

import { CodedError, toError } from '#base/errors.ts';

/** Nothing of the pod listens on the port. */
export class AppError extends CodedError<'AppRefused'> {}

/** Connects to the app: at the pod's own address, or on loopback where it listens only there. */
export async function dialApp(
  options: { readonly podIp: string; readonly port: number },
  signal: AbortSignal,
): Promise<net.Socket> {
  const { podIp, port } = options;
  try {
    return await dial(podIp, port, signal);
  } catch (refused) {
    signal.throwIfAborted();
    try {
      return await dial(isIPv6(podIp) ? '::1' : '127.0.0.1', port, signal);
    } catch {
      signal.throwIfAborted();
      throw new AppError('AppRefused', `the app at ${podIp}:${port}`, { cause: refused });
    }
  }
}

/** An open TCP connection, paused, half-open allowed. */
export async function dial(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  signal.throwIfAborted();
  const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
  const connected = Promise.withResolvers<net.Socket>();
  const onAbort = (): void => void socket.destroy(toError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('connect', () => connected.resolve(socket));
  socket.on('error', (error) => connected.reject(error));
  socket.once('close', () => connected.reject(new Error('closed')));
  try {
    return await connected.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
