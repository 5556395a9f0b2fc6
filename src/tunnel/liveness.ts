import type { Clock } from '#base/clock.ts';
import { TunnelError } from './errors.ts';
import type { SessionLife } from './session-life.ts';

/** Without an answer for so long a session is dead (decision 2). */
export const silenceMs = 5000;
/** While something is intercepted a dead link must be noticed soon. */
export const busyIntervalMs = 2000;
/** Otherwise it may take a little longer. */
export const idleIntervalMs = 10_000;

/** Keeps asking whether the other end is there. */
export interface Liveness extends Disposable {
  /** The smoothed round trip in milliseconds; undefined until the first answer. */
  readonly rttMs: number | undefined;
  /** The shortest of the last round trips: how far away the other end is, whatever is queued. */
  readonly shortestRttMs: number | undefined;
  /** From now on asks this often. */
  setInterval(ms: number): void;
}

/** A stalled link makes round trips look longer than any network's; nobody is to wait for that. */
const longestAnswerMs = 2000;

/**
 * How long an agent waits for the laptop before the app gets the connection: four of the shortest
 * round trips, which bulk does not make longer.
 */
export function answerWithinMs(shortestRttMs: number | undefined): number {
  return Math.min(longestAnswerMs, Math.max(250, 4 * (shortestRttMs ?? 0)));
}

/** So many round trips back the shortest is looked for. */
const rememberedRtts = 16;

/** How often the wait for an answer looks whether anything else was heard. */
const checkMs = 500;

/** Sends one PING at a time and destroys the session when there is no answer. */
export function watchLiveness(
  deps: { readonly clock: Pick<Clock, 'after'> },
  session: Pick<SessionLife, 'ping' | 'destroy' | 'closed' | 'bytesReceived'>,
  options: { readonly intervalMs: number },
): Liveness {
  let intervalMs = options.intervalMs;
  let rttMs: number | undefined;
  let recent: number[] = [];
  let over = false;
  let timer: Disposable | undefined;
  let asking = false;

  const arm = (ms: number, run: () => void): void => {
    timer?.[Symbol.dispose]();
    timer = over ? undefined : deps.clock.after(ms, run);
  };
  // Silence is counted in checks, not read off a clock: after a stall of this process one check is
  // late, and the answer that has long been there is read before the next.
  const listen = (silentChecks: number, heard: number): void =>
    arm(checkMs, () => {
      const now = session.bytesReceived;
      const silent = now === heard ? silentChecks + 1 : 0;
      if (silent * checkMs < silenceMs) listen(silent, now);
      else session.destroy(new TunnelError('Lost', `no sign of life for ${silenceMs} ms`));
    });
  const ask = (): void => {
    asking = true;
    listen(0, session.bytesReceived);
    session.ping().then(
      (ms) => {
        asking = false;
        recent = [...recent, ms].slice(-rememberedRtts);
        rttMs = rttMs === undefined ? ms : rttMs + (ms - rttMs) / 8;
        arm(intervalMs, ask);
      },
      // The session has ended; `closed` says how.
      () => {},
    );
  };
  const stop = (): void => {
    over = true;
    timer?.[Symbol.dispose]();
  };
  void session.closed.then(stop);
  ask();

  return {
    get rttMs() {
      return rttMs;
    },
    get shortestRttMs() {
      return recent.length === 0 ? undefined : Math.min(...recent);
    },
    setInterval(ms) {
      intervalMs = ms;
      if (!asking && !over) arm(ms, ask);
    },
    [Symbol.dispose]: stop,
  };
}
