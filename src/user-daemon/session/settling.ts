import type { Clock } from '#base/clock.ts';

/** Changes that come together make one. */
const settleMs = 50;

/** Calls `run` once for all the calls that come within a moment. */
export function settling(
  deps: { readonly clock: Pick<Clock, 'after'> },
  run: () => void,
): Disposable & { run(): void } {
  let timer: Disposable | undefined;
  return {
    run() {
      timer ??= deps.clock.after(settleMs, () => {
        timer = undefined;
        run();
      });
    },
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}
