import type { Connection } from '#protocol/resources.ts';

/** How long things live without their laptop. */
export interface Lifetimes {
  /** After this long without a laptop others may take over its intercepts. */
  readonly graceMs: number;
  /** After this long without a laptop the Connection is deleted (client.connectionTTL). */
  readonly ttlMs: number;
}

/** Where a Connection stands in loss, grace and end (design decision 7). */
export type ConnectionPhase = 'live' | 'grace' | 'lost' | 'expired';

/**
 * The phase of a Connection whose laptop has, or has not, a reverse session with any replica now. The loss is counted
 * from what is written in its status, so that it outlives a manager.
 */
export function connectionPhase(
  connection: Connection,
  facts: { readonly live: boolean; readonly nowMs: number; readonly startedMs: number },
  lifetimes: Lifetimes,
): ConnectionPhase {
  const { live, nowMs, startedMs } = facts;
  if (live) return 'live';
  const since = lostSince(connection, nowMs);
  if (nowMs - since >= lifetimes.ttlMs) return 'expired';
  return nowMs >= graceEnd(connection, { nowMs, startedMs }, lifetimes) ? 'lost' : 'grace';
}

/** When others may take over what a Connection without its laptop has intercepted. */
export function graceEnd(
  connection: Connection,
  { nowMs, startedMs }: { readonly nowMs: number; readonly startedMs: number },
  lifetimes: Pick<Lifetimes, 'graceMs'>,
): number {
  const since = lostSince(connection, nowMs);
  // While no manager ran nobody could come back: that time is not the laptop's fault.
  const noticed = connection.status.disconnectedSince === undefined ? startedMs : since;
  return Math.max(since, noticed) + lifetimes.graceMs;
}

/** When the laptop was last known to be there. */
function lostSince({ metadata, status }: Connection, nowMs: number): number {
  const said = status.disconnectedSince ?? status.renewTime ?? metadata.creationTimestamp;
  const ms = said === undefined ? nowMs : Date.parse(said);
  return Number.isNaN(ms) ? nowMs : ms;
}
