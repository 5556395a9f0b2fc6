import { describe } from '#base/errors.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

/** Runs one pass at a time; many requests during a pass become one pass after it. */
export interface ReconcileLoop {
  request(): void;
  /** Resolves when the pass that is under way, and those already asked for, are over. */
  settled(): Promise<void>;
}

const failedMs = 1000;

/** A loop around `pass`, which always looks at everything: what was missed once is found again. */
export function createReconcileLoop(
  deps: { readonly log: Logger; readonly clock: Pick<Clock, 'after'> },
  pass: () => Promise<void>,
  signal: AbortSignal,
): ReconcileLoop {
  let wanted = false;
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    // Everything that happens in this turn is one reason.
    await new Promise((resolve) => setImmediate(resolve));
    while (wanted && !signal.aborted) {
      wanted = false;
      try {
        await pass();
      } catch (error) {
        if (signal.aborted) break;
        deps.log.error('pass failed', { reason: describe(error) });
        deps.clock.after(failedMs, request);
      }
    }
    running = undefined;
  };
  const request = (): void => {
    wanted = true;
    if (!signal.aborted) running ??= run();
  };

  return {
    request,
    async settled() {
      await running;
    },
  };
}
