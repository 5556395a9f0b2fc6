import { describe } from '#base/errors.ts';
import { systemClock } from '#base/clock.ts';

/**
 * Looks until `look` succeeds, and says how long that took; after `ms` throws what the last look
 * threw.
 */
export async function eventually(
  what: string,
  ms: number,
  look: () => Promise<void>,
): Promise<number> {
  const began = systemClock.monotonic();
  const signal = AbortSignal.timeout(ms + 60_000);
  for (;;) {
    // A look that began in time counts, however long it takes itself.
    const started = systemClock.monotonic() - began;
    try {
      await look();
      console.log(`${what}: after ${String(Math.round(started))} ms`);
      return started;
    } catch (error) {
      if (started > ms) {
        throw new Error(`${what}: not within ${String(ms)} ms: ${describe(error)}`, {
          cause: error,
        });
      }
    }
    await systemClock.sleep(50, signal);
  }
}
