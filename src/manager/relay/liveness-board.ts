import type { Clock } from '#base/clock.ts';
import {
  answerWithinMs,
  busyIntervalMs,
  idleIntervalMs,
  watchLiveness,
  type Liveness,
} from '#tunnel/liveness.ts';
import type { SessionLife } from '#tunnel/session-life.ts';

/** Whether each session's other end is there, asked more often where something is intercepted. */
export interface LivenessBoard {
  watch(owner: string, session: SessionLife): void;
  /** Whose sessions are asked every two seconds. */
  setBusy(isBusy: (owner: string) => boolean): void;
  /** How long to wait for an answer of this owner; undefined before its first sign of life. */
  patienceMs(owner: string): number | undefined;
}

/** An empty board. */
export function createLivenessBoard(deps: { readonly clock: Pick<Clock, 'after'> }): LivenessBoard {
  const watched = new Map<string, Set<Liveness>>();
  let busy: (owner: string) => boolean = () => false;
  const intervalFor = (owner: string): number => (busy(owner) ? busyIntervalMs : idleIntervalMs);
  return {
    watch(owner, session) {
      const liveness = watchLiveness(deps, session, { intervalMs: intervalFor(owner) });
      const set = watched.get(owner) ?? new Set();
      watched.set(owner, set.add(liveness));
      void session.closed.then(() => {
        set.delete(liveness);
        if (set.size === 0 && watched.get(owner) === set) watched.delete(owner);
      });
    },
    setBusy(isBusy) {
      busy = isBusy;
      for (const [owner, set] of watched) {
        for (const liveness of set) liveness.setInterval(intervalFor(owner));
      }
    },
    patienceMs(owner) {
      const known = [...(watched.get(owner) ?? [])].flatMap((one) => one.shortestRttMs ?? []);
      return known.length === 0 ? undefined : answerWithinMs(Math.min(...known));
    },
  };
}
