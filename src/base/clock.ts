import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time as a dependency, so that tests decide how it passes. */
export interface Clock {
  /** Milliseconds since the epoch, for what is shown or stored. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring. */
  monotonic(): number;
  /** Waits `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms`, unless disposed before. Does not keep the process alive. */
  after(ms: number, run: () => void): Disposable;
  /** Calls `run` every `ms` until disposed. Does not keep the process alive. */
  every(ms: number, run: () => void): Disposable;
}

/** 24 days. A longer one Node takes for none at all: whoever waits so long is called then. */
const longestMs = 2 ** 31 - 1;
const timer = (ms: number): number => Math.min(ms, longestMs);

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal.throwIfAborted();
    await sleepFor(timer(ms), undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  },
  after(ms, run) {
    const pending = setTimeout(run, timer(ms));
    pending.unref();
    return { [Symbol.dispose]: () => clearTimeout(pending) };
  },
  every(ms, run) {
    const pending = setInterval(run, timer(ms));
    pending.unref();
    return { [Symbol.dispose]: () => clearInterval(pending) };
  },
};
