import type { Http2Session, Http2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { TunnelError } from './errors.ts';
import type { ReceiveWindows } from './receive-windows.ts';
import { sessionWindowBytes } from './session-options.ts';

/** How a session ended: as both sides meant it to, or not. */
export type SessionEnd =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly error: TunnelError };

/** What a session of either kind can do beside its flows. */
export interface SessionLife extends AsyncDisposable {
  /** False from the moment it will take no new flow. */
  readonly isOpen: boolean;
  /** Resolves when `isOpen` becomes false: close, destroy, loss, or the other side's GOAWAY. */
  readonly retired: Promise<void>;
  /** Resolves when the other side has asked for another session in this one's place. */
  readonly renewalAsked: Promise<void>;
  /** Asks the other side, which dialled, for another session: this end is about to go. */
  readonly askForRenewal: () => void;
  /** Resolves, never rejects, once nothing of the session is left. */
  readonly closed: Promise<SessionEnd>;
  /** What has come in on the connection; a sign of life even while a PING waits behind bulk. */
  readonly bytesReceived: number;
  /** Milliseconds until the other side's answer. One at a time; it waits as long as the session lives. */
  readonly ping: () => Promise<number>;
  /** Takes no new flows, lets the open ones end, then closes. */
  readonly close: () => Promise<SessionEnd>;
  /** Resets every flow and drops the connection now. */
  readonly destroy: (reason: Error) => void;
}

/** A session as its own room sees it. */
export interface HeldSession extends SessionLife {
  /** Streams of any kind that are not closed yet. */
  readonly openStreams: number;
  /** Counts a stream until it is closed, and keeps its errors from ending the process. */
  readonly hold: (stream: Http2Stream) => void;
}

interface Deps {
  readonly log: Logger;
  /** What the other end may have under way; a fixed amount where nothing is said. */
  readonly windows?: ReceiveWindows;
}

/** The payload of a PING that asks for a renewal: a frame that both ends may send, and every peer answers. */
const renewalPayload = Buffer.from('renew me');

/** Throws for a connection that died before a session could begin on it. */
export function assertAlive(duplex: Duplex): void {
  if (!duplex.destroyed) return;
  const cause = duplex.errored ?? undefined;
  throw new TunnelError('Lost', 'connection lost before its session began', { cause });
}

/** Takes a fresh HTTP/2 session and its connection into ownership. */
export function holdSession(deps: Deps, session: Http2Session, duplex: Duplex): HeldSession {
  const closed = Promise.withResolvers<SessionEnd>();
  const retired = Promise.withResolvers<void>();
  const renewalAsked = Promise.withResolvers<void>();
  let openStreams = 0;
  let orderly = false;
  let failure: Error | undefined;

  const tearDown = (reason: Error | undefined): void => {
    retired.resolve();
    // With an error wherever there are streams: without one Node gives half-closed streams the look of a clean end.
    session.destroy(reason);
    // Node waits for what is unsent, which a dead link never takes.
    duplex.destroy();
  };
  const destroy = (reason: Error): void => {
    failure ??= reason;
    tearDown(reason);
  };

  // A connection accepted with `pauseOnConnect` is not being read; node:http2 would wait for ever.
  duplex.read(0);
  const bytes = countBytes(duplex);
  const reception = deps.windows?.attach({
    session,
    bytesReceived: bytes.received,
    bytesSent: bytes.sent,
    ping: () => ping(session),
  });
  if (reception === undefined) session.setLocalWindowSize(sessionWindowBytes);
  session.on('error', (error) => {
    failure ??= error;
  });
  session.on('ping', (payload: Buffer) => {
    if (renewalPayload.equals(payload)) renewalAsked.resolve();
  });
  session.on('goaway', (code) => {
    retired.resolve();
    if (code === constants.NGHTTP2_NO_ERROR) orderly = true;
    else failure ??= new Error(`the other side ended the session with HTTP/2 error ${code}`);
  });
  session.once('close', () => {
    retired.resolve();
    reception?.[Symbol.dispose]();
    if (orderly && failure === undefined) {
      deps.log.debug('session closed');
      closed.resolve({ kind: 'closed' });
      return;
    }
    const cause = failure ?? new Error('the other side hung up');
    const error =
      cause instanceof TunnelError
        ? cause
        : new TunnelError('Lost', `session lost: ${cause.message}`, { cause });
    deps.log.debug('session lost', { error: error.message });
    closed.resolve({ kind: 'lost', error });
  });
  const hungUp = (): void => {
    if (openStreams > 0 || !orderly) failure ??= new Error('the other side hung up');
  };
  // A connection that may stay half open (an upgraded one) would outlive its other end.
  duplex.once('end', () => {
    if (duplex.destroyed || session.destroyed) return;
    hungUp();
    tearDown(failure);
  });
  // Before node:http2 hears of it: after a GOAWAY it would take a broken connection for a clean end,
  // and give half-closed streams, cut downloads, that look.
  duplex.prependListener('error', (error) => {
    if (openStreams > 0 || !orderly) failure ??= error;
    session.destroy(error);
  });
  // Before node:http2 takes the streams away.
  duplex.prependListener('close', hungUp);

  return {
    get isOpen() {
      return !session.closed && !session.destroyed;
    },
    get openStreams() {
      return openStreams;
    },
    hold(stream) {
      openStreams += 1;
      reception?.streamOpened(stream);
      stream.once('close', () => {
        openStreams -= 1;
        reception?.streamClosed(stream);
      });
      // Whoever has the stream learns of its end by `close`; an error without listener ends the process.
      stream.on('error', () => {});
    },
    get bytesReceived() {
      return bytes.received();
    },
    retired: retired.promise,
    closed: closed.promise,
    renewalAsked: renewalAsked.promise,
    askForRenewal() {
      try {
        session.ping(renewalPayload, () => {});
      } catch {
        // It has ended already.
      }
    },
    async ping() {
      const ms = await ping(session);
      reception?.heard(ms);
      return ms;
    },
    close() {
      orderly = true;
      retired.resolve();
      session.close();
      return closed.promise;
    },
    destroy,
    async [Symbol.asyncDispose]() {
      destroy(new TunnelError('Lost', 'session disposed'));
      await closed.promise;
    },
  };
}

/** What has passed; node:http2 reads a socket past its stream, and everything else as a stream. */
function countBytes(duplex: Duplex): {
  readonly received: () => number;
  readonly sent: () => number;
} {
  if (duplex instanceof Socket) {
    return { received: () => duplex.bytesRead, sent: () => duplex.bytesWritten };
  }
  let received = 0;
  duplex.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  return { received: () => received, sent: () => 0 };
}

function ping(session: Http2Session): Promise<number> {
  const answered = Promise.withResolvers<number>();
  try {
    session.ping((error, ms) => {
      if (error === null) answered.resolve(ms);
      else answered.reject(new TunnelError('Lost', 'ping: session ended', { cause: error }));
    });
  } catch (error) {
    answered.reject(new TunnelError('Lost', 'ping: session ended', { cause: toError(error) }));
  }
  return answered.promise;
}
