import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Clock } from '#base/clock.ts';

import { emptySettings, withoutAcknowledgement } from './http2-request.ts';
import { signOf } from './sign.ts';

/** Who opened a connection that comes from the node. */
export type Seen =
  | 'kubelet'
  | 'other'
  /** It ended without a byte: whoever it was only wanted to connect, or is gone. */
  | 'nobody';

/** Whoever says nothing for so long wants the server to speak first; the kubelet never does. */
const lookMs = 100;
/** An HTTP/2 client that has been quiet for this long waits for the server's settings. */
const quietMs = 20;
/** How long a client may take to acknowledge settings. */
const acknowledgeMs = 5000;

/**
 * Looks at the first bytes of a paused connection and leaves them there, whole. An HTTP/2 client
 * that waits for the server's settings gets empty ones, which bind nobody; its acknowledgement is
 * taken out, so that whoever gets the connection can begin with settings of its own.
 */
export async function look(
  deps: { readonly clock: Pick<Clock, 'after'> },
  socket: Socket,
  signal: AbortSignal,
): Promise<Seen> {
  signal.throwIfAborted();
  const seen = Promise.withResolvers<Seen>();
  let known = 0;
  let state: 'looking' | 'prompted' | 'acknowledged' = 'looking';
  let deadline: Disposable | undefined;
  let quiet: Disposable | undefined;
  const wait = (ms: number, outcome: Seen): void => {
    deadline?.[Symbol.dispose]();
    // Not before what came meanwhile was read: a busy agent may be late itself.
    deadline = deps.clock.after(ms, () => void setImmediate(() => seen.resolve(outcome)));
  };
  wait(lookMs, 'other');
  const prompt = (): void => {
    state = 'prompted';
    socket.write(emptySettings);
    wait(acknowledgeMs, 'nobody');
  };
  const onReadable = (): void => {
    // What is put back is announced once more.
    if (known > 0 && socket.readableLength === known) return;
    // Without its length only a part of it is given.
    const found: unknown = socket.read(socket.readableLength);
    if (!Buffer.isBuffer(found)) return;
    quiet?.[Symbol.dispose]();
    const bytes = state === 'prompted' ? withoutAcknowledgement(found) : found;
    socket.unshift(bytes ?? found);
    known = socket.readableLength;
    if (bytes === undefined) return;
    if (state === 'prompted') {
      state = 'acknowledged';
      wait(lookMs, 'other');
    }
    const sign = signOf(bytes);
    if (sign === 'kubelet' || sign === 'other') seen.resolve(sign);
    else if (sign === 'waits' && state === 'looking') {
      // However late these bytes were read, it is asked before it is let go.
      wait(lookMs, 'other');
      quiet = deps.clock.after(quietMs, prompt);
    }
  };
  const onGone = (): void => seen.resolve('nobody');
  socket.on('readable', onReadable).once('end', onGone).once('close', onGone);
  signal.addEventListener('abort', onGone, { once: true });
  try {
    return await seen.promise;
  } finally {
    signal.removeEventListener('abort', onGone);
    deadline?.[Symbol.dispose]();
    quiet?.[Symbol.dispose]();
    socket.off('readable', onReadable).off('end', onGone).off('close', onGone);
    // A socket stops being read by `readable` only in the next turn.
    await nextTurn();
    socket.pause();
  }
}
