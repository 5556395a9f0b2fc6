import { once } from 'node:events';

/** A value that changes, and those who follow it. Whoever is slow sees the newest only. */
export interface Latest<T> {
  readonly value: T;
  set(value: T): void;
  /** The value now, and each one after it, until the signal aborts. */
  follow(signal: AbortSignal): AsyncIterable<T>;
}

/** A Latest with a first value. */
export function createLatest<T>(first: T): Latest<T> {
  const events = new EventTarget();
  let value = first;
  let version = 0;
  return {
    get value() {
      return value;
    },
    set(next) {
      value = next;
      version += 1;
      events.dispatchEvent(new Event('change'));
    },
    async *follow(signal) {
      let seen = -1;
      for (;;) {
        if (signal.aborted) return;
        if (seen === version) {
          try {
            await once(events, 'change', { signal });
          } catch {
            return;
          }
          continue;
        }
        seen = version;
        yield value;
      }
    },
  };
}
