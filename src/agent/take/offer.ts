import type { IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { patienceHeader, sourceHeader } from '#protocol/flow-headers.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { Flow } from '#tunnel/flow.ts';

/** What became of a connection that was offered to a laptop. */
export type Offer =
  /** The handler has it; what was read so far is on its way. */
  | { readonly kind: 'taken'; readonly flow: Flow }
  /** The laptop says that its handler is not there. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody answered; nothing has been read from the socket. */
  | { readonly kind: 'unanswered'; readonly reason: string };

interface OfferOptions {
  readonly interceptUid: string;
  /** How long to wait for the answer, unless the relay names another time. */
  readonly patienceMs: number;
}

/** What a laptop says when it was reached and its handler was not: the truth, so no fall back. */
const handlerGone: ReadonlySet<string> = new Set(['Refused', 'Unreachable', 'TimedOut']);

/**
 * Offers a paused connection to the laptop. Its first bytes do not wait for the answer, which
 * saves a round trip; they are kept in case that nobody takes it.
 */
export async function offer(
  deps: {
    readonly session: Pick<ClientSession, 'beginFlow'>;
    readonly clock: Pick<Clock, 'after'>;
  },
  socket: Socket,
  options: OfferOptions,
): Promise<Offer> {
  const impatience = new AbortController();
  let timer: Disposable | undefined;
  const wait = (ms: number): void => {
    timer?.[Symbol.dispose]();
    timer = deps.clock.after(ms, () => impatience.abort(new Error(`no answer within ${ms} ms`)));
  };
  wait(options.patienceMs);
  const onGone = (): void => impatience.abort(new Error('the client is gone'));
  socket.once('close', onGone);
  const first = firstChunk(socket);
  try {
    const begun = deps.session.beginFlow({
      authority: options.interceptUid,
      headers: { [sourceHeader]: `${socket.remoteAddress}:${socket.remotePort}` },
      signal: impatience.signal,
    });
    begun.flow.stream.on('headers', (headers: IncomingHttpHeaders) => {
      const asked = Number(headers[patienceHeader]);
      if (asked > 0 && asked < 60_000) wait(asked);
    });
    first.sendTo((chunk) => begun.flow.stream.write(chunk));
    const flow = await begun.accepted;
    first.stop('sent');
    return { kind: 'taken', flow };
  } catch (error) {
    first.stop('keep');
    if (error instanceof TunnelError && handlerGone.has(error.code)) {
      return { kind: 'refused', reason: describe(error) };
    }
    return { kind: 'unanswered', reason: describe(error) };
  } finally {
    socket.off('close', onGone);
    timer?.[Symbol.dispose]();
  }
}

/**
 * Looks at the first chunk of a paused socket and leaves it there: while something is unread the
 * socket cannot come to its end, which is for whoever gets it then.
 */
function firstChunk(socket: Socket): {
  readonly sendTo: (send: (chunk: Buffer) => void) => void;
  readonly stop: (outcome: 'sent' | 'keep') => void;
} {
  let seen = 0;
  let send: ((chunk: Buffer) => void) | undefined;
  const onData = (chunk: Buffer): void => {
    socket.off('data', onData).pause();
    socket.unshift(chunk);
    seen = chunk.length;
    send?.(chunk);
  };
  return {
    sendTo(given) {
      send = given;
      socket.on('data', onData).resume();
    },
    stop(outcome) {
      socket.off('data', onData).pause();
      if (outcome === 'sent' && seen > 0) socket.read(seen);
    },
  };
}
