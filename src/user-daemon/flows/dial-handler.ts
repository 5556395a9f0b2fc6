import { connect, type Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import type { HandlerTarget } from './handler-target.ts';

const dialMs = 5000;

/** A connection to a handler, half-open allowed; rejects with the system's code where there is none. */
export async function dialHandler(
  deps: { readonly clock: Pick<Clock, 'after'> },
  { host, port }: HandlerTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const giveUp = (): void => {
    socket.destroy();
    reject(Object.assign(new Error('given up'), { code: 'ECONNABORTED' }));
  };
  using _timer = deps.clock.after(dialMs, () => {
    socket.destroy();
    reject(
      Object.assign(new Error(`no answer within ${String(dialMs)} ms`), { code: 'ETIMEDOUT' }),
    );
  });
  signal.addEventListener('abort', giveUp, { once: true });
  socket.once('connect', () => resolve(socket));
  socket.on('error', reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
