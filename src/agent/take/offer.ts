import type { IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { areRepeatable } from '#protocol/first-bytes.ts';
import { patienceHeader, sourceHeader, takenPortHeader } from '#protocol/flow-headers.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { Flow } from '#tunnel/flow.ts';

/** What became of a connection that was offered to a laptop. */
export type Offer =
  /** The handler has it; what was read so far is on its way. */
  | {
      readonly kind: 'taken';
      readonly flow: Flow;
      /** The laptop had been in doubt: the app may have got what was meant for it. */
      readonly again: boolean;
      /** What of the socket is on its way already. */
      readonly first: Buffer | undefined;
    }
  /** The laptop says that its handler is not there. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody has it, and nothing was read from the socket that another may not get. */
  | {
      readonly kind: 'unanswered';
      readonly reason: string;
      /** The manager is gone, or has no way to the laptop: at once, and not by silence. */
      readonly lost: boolean;
    }
  /** The handler may have got its first bytes, and nobody else may get them too. */
  | { readonly kind: 'uncertain'; readonly reason: string };

/** Which intercepts' laptops did not answer when they were asked last. */
export type Doubts = Pick<Set<string>, 'has' | 'add' | 'delete'>;

interface OfferOptions {
  readonly interceptUid: string;
  /** The app's port at which the connection arrived. */
  readonly port: number;
  /** How long to wait for the answer, unless the relay names another time. */
  readonly patienceMs: number;
}

/** What a laptop says when it was reached and its handler was not: the truth, so no fall back. */
export const handlerGone: ReadonlySet<string> = new Set(['Refused', 'Unreachable', 'TimedOut']);
/** What is said by somebody who has not given the first bytes to a handler. */
export const notAsked: ReadonlySet<string> = new Set(['Unavailable', 'Forbidden']);
/** A laptop that lives answers or loses its session within this. */
const uncertainMs = 15_000;

/**
 * Offers a paused connection to the laptop. Its first bytes do not wait for the answer, which
 * saves a round trip, and where they are here already they travel with the request, which saves each
 * program on the way a message; they are kept in case that nobody takes it. Two servers never both get bytes
 * that may have an effect: once those are on their way the answer is waited for, however long, and
 * while the laptop is in doubt they stay here until it has answered. See docs/adr.
 */
export async function offer(
  deps: {
    readonly session: Pick<ClientSession, 'beginFlow'>;
    readonly clock: Pick<Clock, 'after'>;
    readonly doubts: Doubts;
  },
  socket: Socket,
  options: OfferOptions,
): Promise<Offer> {
  const { doubts } = deps;
  const { interceptUid } = options;
  const giveUp = new AbortController();
  let timer: Disposable | undefined;
  let committed = false;
  let settled = false;
  const after = (ms: number, run: () => void): void => {
    timer?.[Symbol.dispose]();
    timer = deps.clock.after(ms, run);
  };
  const wait = (ms: number): void => {
    // Not before what came meanwhile was read: a busy agent may be late itself.
    const isOver = (): void => {
      if (settled) return;
      doubts.add(interceptUid);
      const end = (): void => giveUp.abort(new Error(`no answer within ${ms} ms`));
      if (committed) after(uncertainMs, end);
      else end();
    };
    after(ms, () => void setImmediate(isOver));
  };
  wait(options.patienceMs);
  const onGone = (): void => giveUp.abort(new Error('the client is gone'));
  socket.once('close', onGone);
  const first = firstChunk(socket);
  try {
    await first.arrived;
    const begun = deps.session.beginFlow({
      authority: interceptUid,
      headers: {
        [sourceHeader]: `${socket.remoteAddress}:${socket.remotePort}`,
        [takenPortHeader]: String(options.port),
      },
      signal: giveUp.signal,
    });
    begun.flow.stream.on('headers', (headers: IncomingHttpHeaders) => {
      const asked = Number(headers[patienceHeader]);
      if (asked > 0 && asked < 60_000 && !committed) wait(asked);
    });
    first.sendTo((chunk) => {
      if (giveUp.signal.aborted) return false;
      const isRepeatable = areRepeatable(chunk);
      if (!isRepeatable && doubts.has(interceptUid)) return false;
      committed = !isRepeatable;
      begun.flow.stream.write(chunk);
      return true;
    });
    const flow = await begun.accepted;
    const again = doubts.delete(interceptUid);
    return { kind: 'taken', flow, again, first: first.stop('sent') };
  } catch (error) {
    first.stop('keep');
    const reason = describe(error);
    const code = error instanceof TunnelError ? error.code : '';
    if (handlerGone.has(code)) {
      doubts.delete(interceptUid);
      return { kind: 'refused', reason };
    }
    if (committed && !notAsked.has(code)) return { kind: 'uncertain', reason };
    return { kind: 'unanswered', reason, lost: code === 'Lost' || code === 'Unavailable' };
  } finally {
    settled = true;
    socket.off('close', onGone);
    timer?.[Symbol.dispose]();
  }
}

/**
 * Looks at the first chunk of a paused socket and leaves it there: while something is unread the
 * socket cannot come to its end, which is for whoever gets it then.
 */
function firstChunk(socket: Socket): {
  /** It is there, or was not there when the connection came: then nobody knows when it will be. */
  readonly arrived: Promise<void>;
  /** `send` says whether it has sent it. */
  readonly sendTo: (send: (chunk: Buffer) => boolean) => void;
  /** What was sent and is out of the socket now. */
  readonly stop: (outcome: 'sent' | 'keep') => Buffer | undefined;
} {
  let sent = 0;
  let send: ((chunk: Buffer) => boolean) | undefined;
  const arrived = Promise.withResolvers<void>();
  const onData = (chunk: Buffer): void => {
    socket.off('data', onData).pause();
    socket.unshift(chunk);
    if (send?.(chunk) === true) sent = chunk.length;
    arrived.resolve();
  };
  const watch = (): void => void socket.off('data', onData).on('data', onData).resume();
  watch();
  // The loop first looks at what it is to read at its next turn.
  setImmediate(() => void setImmediate(arrived.resolve));
  return {
    arrived: arrived.promise,
    sendTo(given) {
      send = given;
      watch();
    },
    stop(outcome) {
      socket.off('data', onData).pause();
      if (outcome === 'keep' || sent === 0) return undefined;
      const taken: unknown = socket.read(sent);
      return Buffer.isBuffer(taken) ? taken : undefined;
    },
  };
}
