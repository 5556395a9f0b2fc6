import type { Clock } from './clock.ts';
import { CodedError, describe } from './errors.ts';

export class DeadlineError extends CodedError<'DeadlineExceeded'> {}

/**
 * Runs `work` with a signal that aborts with `signal`, or after `ms` with a DeadlineError that
 * says what was waited for.
 */
export async function withDeadline<T>(
  deps: { readonly clock: Pick<Clock, 'after'> },
  options: { readonly ms: number; readonly what: string; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  options.signal.throwIfAborted();
  const timeout = new AbortController();
  using _timer = deps.clock.after(options.ms, () =>
    timeout.abort(
      new DeadlineError('DeadlineExceeded', `${options.what}: no answer within ${options.ms} ms`),
    ),
  );
  const signal = AbortSignal.any([options.signal, timeout.signal]);
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(signal), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Backoff for reconnecting: `firstMs`, doubled up to `lastMs`, each spread by ±25 %. */
export function backoff(
  deps: { readonly random: () => number },
  options: { readonly firstMs: number; readonly lastMs: number },
): { next(): number; reset(): void } {
  let current = options.firstMs;
  return {
    next() {
      const ms = current * (0.75 + deps.random() / 2);
      current = Math.min(current * 2, options.lastMs);
      return ms;
    },
    reset() {
      current = options.firstMs;
    },
  };
}

/** Repeats `attempt` until it succeeds; waits by `delays` between; ends with the signal's reason. */
export async function retry<T>(
  deps: { readonly clock: Pick<Clock, 'sleep'>; readonly random: () => number },
  options: {
    readonly firstMs: number;
    readonly lastMs: number;
    readonly signal: AbortSignal;
    readonly onFailure?: (reason: string) => void;
  },
  attempt: () => Promise<T>,
): Promise<T> {
  const delays = backoff(deps, options);
  for (;;) {
    options.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      options.signal.throwIfAborted();
      options.onFailure?.(describe(error));
      await deps.clock.sleep(delays.next(), options.signal);
    }
  }
}
