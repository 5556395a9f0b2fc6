import type { Clock } from '#base/clock.ts';
import { gateOpenSeconds } from '#protocol/gate.ts';

/** For which places the kernel's gate was opened, and when last. */
export interface OpenPlaces {
  note(authority: string): void;
  /** Whether it was open as far as we know. */
  forget(authority: string): boolean;
  /** Whether the gate should be opened again, so that it stays open where connections go through. */
  isDue(authority: string): boolean;
}

const openMs = gateOpenSeconds * 1000;
const mostPlaces = 4096;

/** No place at all. */
export function createOpenPlaces(clock: Pick<Clock, 'monotonic'>): OpenPlaces {
  /** The longest ago first. */
  const openedAt = new Map<string, number>();
  return {
    note(authority) {
      const now = clock.monotonic();
      openedAt.delete(authority);
      openedAt.set(authority, now);
      for (const [oldest, at] of openedAt) {
        if (openedAt.size <= mostPlaces && now - at < openMs) break;
        openedAt.delete(oldest);
      }
    },
    forget: (authority) => openedAt.delete(authority),
    isDue(authority) {
      const at = openedAt.get(authority);
      return at !== undefined && clock.monotonic() - at >= openMs / 3;
    },
  };
}
