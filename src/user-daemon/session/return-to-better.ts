import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { relayPaths, type RelayPath } from '#kube/relay-paths.ts';

interface Deps {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
  /** The worst path that a connection is on; undefined where there is none. */
  readonly worst: () => RelayPath | undefined;
  /** Whether a better path works now; new connections take it from then on. */
  readonly tryBetter: (signal: AbortSignal) => Promise<boolean>;
  /** Opens every connection anew before the old one goes. */
  readonly renew: () => void;
}

/** How long after a detour began the better path is looked at, at first and at most. */
export const againMs = { first: 15_000, last: 300_000 } as const;

/** Leaves a detour when the better path works again, until disposed. */
export function returnToBetter(deps: Deps): AsyncDisposable {
  const stop = new AbortController();
  const look = async (): Promise<void> => {
    let waitMs: number = againMs.first;
    for (;;) {
      await deps.clock.sleep(waitMs, stop.signal);
      const worst = deps.worst();
      if (worst === undefined || worst === relayPaths[0]) {
        waitMs = againMs.first;
      } else if (await works(deps, stop.signal)) {
        deps.log.info('a better path to the manager works again', { left: worst });
        deps.renew();
        waitMs = againMs.first;
      } else {
        waitMs = Math.min(2 * waitMs, againMs.last);
      }
    }
  };
  // It ends by the signal only.
  const looking = look().catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the session ends'));
      await looking;
    },
  };
}

async function works(deps: Deps, signal: AbortSignal): Promise<boolean> {
  try {
    return await deps.tryBetter(signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.debug('better path not tried', { reason: describe(error) });
    return false;
  }
}
