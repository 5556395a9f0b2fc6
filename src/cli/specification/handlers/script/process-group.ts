import type { Clock } from '#base/clock.ts';

const lookMs = 50;
/** The kernel ends what gets SIGKILL; what hangs in it is not waited for. */
const killedMs = 5_000;

/** A process with all that it has started and that has not left it. */
export interface ProcessGroup {
  readonly isThere: () => boolean;
  /** SIGTERM, and SIGKILL after so many seconds; resolves when nobody is left. Called again with less, it has less time. */
  end(graceSeconds: number): Promise<void>;
}

/** The group that a process leads which was started `detached`. */
export function processGroup(clock: Clock, leader: number): ProcessGroup {
  let isGone = false;
  let deadline = Number.POSITIVE_INFINITY;
  let ending: Promise<void> | undefined;
  const give = (signal: NodeJS.Signals | 0): boolean => {
    if (isGone) return false;
    try {
      process.kill(-leader, signal);
    } catch {
      // Its number may be given to others from now on.
      isGone = true;
    }
    return !isGone;
  };
  const run = async (): Promise<void> => {
    const never = new AbortController().signal;
    give('SIGTERM');
    while (give(0) && clock.monotonic() < deadline) await clock.sleep(lookMs, never);
    give('SIGKILL');
    const last = clock.monotonic() + killedMs;
    while (give(0) && clock.monotonic() < last) await clock.sleep(lookMs, never);
  };
  return {
    isThere: () => give(0),
    async end(graceSeconds) {
      deadline = Math.min(deadline, clock.monotonic() + graceSeconds * 1000);
      ending ??= run();
      await ending;
    },
  };
}
