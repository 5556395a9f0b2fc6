const tickMs = 10;
/** A timer that is later than this was not run in time. */
const lateMs = 25;

/** When this process was not run, as its own timers show. */
export interface Stalls {
  /** For how long it was not run since `at`, ms since the epoch, all stalls together. */
  since(at: number): number;
}

/** Looks from now on; never ends. */
export function watchStalls(): Stalls {
  const seen: { readonly endedAt: number; readonly ms: number }[] = [];
  let last = Date.now();
  const look = (): void => {
    const now = Date.now();
    const ms = now - last - tickMs;
    last = now;
    if (ms < lateMs) return;
    seen.push({ endedAt: now, ms });
    if (seen.length > 1000) seen.shift();
  };
  setInterval(look, tickMs).unref();
  return {
    since(at) {
      look();
      return seen.reduce((sum, { endedAt, ms }) => (endedAt < at ? sum : sum + ms), 0);
    },
  };
}
