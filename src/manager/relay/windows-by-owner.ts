import type { Clock } from '#base/clock.ts';
import {
  createReceiveWindows,
  receiveBudgets,
  type ReceiveWindows,
} from '#tunnel/receive-windows.ts';

/**
 * The windows of each laptop and each pod, known by their UID: one budget and one estimate of the way
 * for all sessions with it. Gone with the last session.
 */
export function windowsByOwner(deps: {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
}): (owner: string) => ReceiveWindows {
  const known = new Map<string, ReceiveWindows>();
  return (owner) => {
    const windows =
      known.get(owner) ??
      createReceiveWindows(deps, {
        budgetBytes: receiveBudgets.relay,
        onEmpty: () => known.delete(owner),
      });
    known.set(owner, windows);
    return windows;
  };
}
