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
  /** From now on asks this often. */
  setInterval(ms: number): void;
}

/** How long an agent waits for the laptop before the app gets the connection. */
export function answerWithinMs(rttMs: number | undefined): number {
  return Math.max(250, 4 * (rttMs ?? 0));
}

/** Sends one PING at a time and destroys the session when there is no answer. */
export function watchLiveness(
  deps: { readonly clock: Pick<Clock, 'after'> },
  session: Pick<SessionLife, 'ping' | 'destroy' | 'closed'>,
  options: { readonly intervalMs: number },
): Liveness {
  let intervalMs = options.intervalMs;
  let rttMs: number | undefined;
  let over = false;
  let timer: Disposable | undefined;
  let asking = false;

  const arm = (ms: number, run: () => void): void => {
    timer?.[Symbol.dispose]();
    timer = over ? undefined : deps.clock.after(ms, run);
  };
  const giveUp = (): void =>
    session.destroy(new TunnelError('Lost', `no sign of life for ${silenceMs} ms`));
  const ask = (): void => {
    asking = true;
    // The last tenth of a second is counted apart: after a sleep or a stall of this process the
    // first timer fires before the answer, which has long been there, was read.
    arm(silenceMs - 100, () => arm(100, giveUp));
    session.ping().then(
      (ms) => {
        asking = false;
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
    setInterval(ms) {
      intervalMs = ms;
      if (!asking && !over) arm(ms, ask);
    },
    [Symbol.dispose]: stop,
  };
}
