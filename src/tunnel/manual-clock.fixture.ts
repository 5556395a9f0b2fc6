import type { Clock } from '#base/clock.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that only moves when told. */
export interface ManualClock extends Clock {
  /** Lets `ms` pass, running what falls due in between, and what that leads to. */
  pass(ms: number): Promise<void>;
}

/** Makes a clock that only moves when told. */
export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<Timer>();
  const after = (ms: number, run: () => void): Disposable => {
    const timer = { at: now + ms, run };
    timers.add(timer);
    return { [Symbol.dispose]: () => timers.delete(timer) };
  };
  return {
    now: () => now,
    monotonic: () => now,
    after,
    every() {
      throw new Error('not needed here');
    },
    sleep(ms, signal) {
      signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        const timer = after(ms, resolve);
        signal.addEventListener('abort', () => {
          timer[Symbol.dispose]();
          reject(signal.reason);
        });
      });
    },
    async pass(ms) {
      const until = now + ms;
      for (;;) {
        await settle();
        const due = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.at;
        due.run();
      }
      now = until;
    },
  };
}

/** Lets everything happen that waits for nothing outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
