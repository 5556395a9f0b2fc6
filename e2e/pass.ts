import { systemClock } from '#base/clock.ts';

/** Lets time pass where its length is what is tested, an outage's or a pause's; none below zero. */
export async function pass(ms: number): Promise<void> {
  if (ms > 0) await systemClock.sleep(ms, AbortSignal.timeout(ms + 60_000));
}
