import type { IncomingHttpHeaders } from 'node:http2';

import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { patienceHeader, sourceHeader, takenPortHeader } from '#protocol/flow-headers.ts';
import { carryDatagrams, type Datagrams } from '#tunnel/datagrams.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { answerWithinMs } from '#tunnel/liveness.ts';

import type { Inbound } from './accept.ts';
import type { DatagramLeg, LegEnd } from './datagram-leg.ts';
import { handlerGone, notAsked, type Doubts } from './offer.ts';

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly doubts: Doubts;
  /** The ways to the laptop of an intercept, the best first; empty while there is none. */
  readonly inbound: (interceptUid: string) => readonly Inbound[];
  /** Of all flows together: what may be kept until laptops have answered. */
  readonly kept: KeptBytes;
}

/** A sum of bytes that has a bound. */
export interface KeptBytes {
  bytes: number;
}

interface Options {
  readonly interceptUid: string;
  /** The app's port that it sends to. */
  readonly port: number;
  /** Who sends, `address:port`. */
  readonly source: string;
  readonly onAnswer: (payload: Buffer) => void;
  /** Called once, unless the leg is closed before. */
  readonly onEnd: (end: LegEnd, reason: string) => void;
  /** The laptop had been in doubt and answers: the app may have got what was meant for it. */
  readonly onAgain: () => void;
}

/** Of one client, until the laptop has answered. */
const mostKept = 32;
const mostKeptBytes = 2 * 1024 * 1024;
/** Where a way has more than this unsent, datagrams are lost as in any full queue. */
const mostUnsent = 4 * 1024 * 1024;

/**
 * Offers a client's datagrams to the laptop. The first do not wait for its answer, unless it is in doubt;
 * copies of them are kept for the app in case that nobody was asked. Two never get the same datagram:
 * where the laptop may have had some and is silent, those are its own to answer, late or never.
 */
export function datagramsToLaptop(deps: Deps, options: Options): DatagramLeg {
  const { clock, doubts } = deps;
  const { interceptUid } = options;
  const ways = [...deps.inbound(interceptUid)];
  let way: Inbound | undefined;
  let datagrams: Datagrams | undefined;
  let state: 'asking' | 'late' | 'answered' | 'over' = 'asking';
  let early = false;
  let kept: Buffer[] = [];
  let giveUp = new AbortController();

  const forget = (): readonly Buffer[] => {
    const all = kept;
    for (const { length } of all) deps.kept.bytes -= length;
    kept = [];
    return all;
  };
  const isFull = (): boolean => way !== undefined && way.session.unsentBytes > mostUnsent;
  const close = (): void => {
    state = 'over';
    forget();
    giveUp.abort(new TunnelError('Reset', 'flow of datagrams ended'));
    datagrams?.close();
  };
  const end = (why: LegEnd, reason: string): void => {
    if (state === 'over') return;
    close();
    options.onEnd(why, reason);
  };
  const onAccepted = (flow: Datagrams): void => {
    // The app has what came after its first datagrams.
    if (state === 'late') {
      if (doubts.delete(interceptUid)) options.onAgain();
      return;
    }
    state = 'answered';
    const waiting = forget();
    if (!early) for (const one of waiting) flow.send(one);
    if (doubts.delete(interceptUid)) options.onAgain();
    void flow.closed.then(() => end({ kind: 'ended' }, 'its flow ended'));
  };
  const onSilence = (reason: Error): void => {
    doubts.add(interceptUid);
    if (!early) {
      giveUp.abort(reason);
      return;
    }
    // It may have had them: nobody else may.
    state = 'late';
    forget();
    options.onEnd({ kind: 'app', unsent: [], late: true }, reason.message);
  };
  const onRefused = (error: unknown): void => {
    const code = error instanceof TunnelError ? error.code : '';
    if (handlerGone.has(code)) {
      doubts.delete(interceptUid);
      end({ kind: 'refused' }, describe(error));
      return;
    }
    // Nobody may have what the laptop may have had.
    if (early && !notAsked.has(code)) forget();
    if (code === 'Unavailable' || code === 'Lost') {
      ask(describe(error));
      return;
    }
    end({ kind: 'app', unsent: [...kept], late: false }, describe(error));
  };
  const ask = (reason: string): void => {
    way = ways.shift();
    if (way === undefined) {
      end({ kind: 'app', unsent: [...kept], late: false }, reason);
      return;
    }
    const asked = new AbortController();
    giveUp = asked;
    let timer: Disposable | undefined;
    const wait = (ms: number): void => {
      timer?.[Symbol.dispose]();
      // Not before what came meanwhile was read: a busy agent may be late itself.
      timer = clock.after(ms, () => {
        setImmediate(() => {
          if (state !== 'asking' || giveUp !== asked) return;
          onSilence(new Error(`no answer within ${String(ms)} ms`));
        });
      });
    };
    wait(answerWithinMs(way.rttMs));
    const begun = way.session.beginFlow({
      kind: 'udp',
      authority: interceptUid,
      headers: {
        [sourceHeader]: options.source,
        [takenPortHeader]: String(options.port),
      },
      signal: asked.signal,
    });
    begun.flow.stream.on('headers', (headers: IncomingHttpHeaders) => {
      const longer = Number(headers[patienceHeader]);
      if (longer > 0 && longer < 60_000) wait(longer);
    });
    const flow = carryDatagrams(begun.flow.stream, { onDatagram: options.onAnswer });
    datagrams = flow;
    early = !doubts.has(interceptUid);
    if (early) for (const one of kept) flow.send(one);
    begun.accepted.then(
      () => {
        timer?.[Symbol.dispose]();
        if (state !== 'over') onAccepted(flow);
      },
      (error: unknown) => {
        timer?.[Symbol.dispose]();
        if (state === 'asking') onRefused(error);
      },
    );
  };
  // Whoever asks for it knows what it is before it may be over.
  queueMicrotask(() => {
    if (state === 'asking') ask('no way to the laptop');
  });

  return {
    send(payload) {
      if (state === 'over' || state === 'late' || isFull()) return;
      if (state === 'answered') {
        datagrams?.send(payload);
        return;
      }
      if (kept.length >= mostKept || deps.kept.bytes + payload.length > mostKeptBytes) return;
      kept.push(payload);
      deps.kept.bytes += payload.length;
      if (early) datagrams?.send(payload);
    },
    close,
  };
}
