import { durationMs } from '#base/duration.ts';
import type { ComposeDocument } from './document.ts';

/** Docker's own. */
const usualMs = 10_000;

/**
 * How long all services may take to end, at the most: Compose has those end first that depend on others.
 * `graceSeconds` is what each is given instead of its own `stop_grace_period`.
 */
export function longestStopMs(
  { services }: ComposeDocument,
  graceSeconds: number | undefined,
): number {
  return Object.values(services)
    .map(({ stop_grace_period: own }) => {
      if (graceSeconds !== undefined) return graceSeconds * 1000;
      return (typeof own === 'string' ? durationMs(own) : undefined) ?? usualMs;
    })
    .reduce((sum, ms) => sum + ms, 0);
}
