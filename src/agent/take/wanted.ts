import type { PortProtocol } from '#protocol/agent-config.ts';

import type { WantedTake } from './takes.ts';

/** What one manager wants taken, and whether connections can be brought to it. */
export interface Source {
  readonly takes: readonly WantedTake[];
  readonly reachable: boolean;
}

/**
 * What all managers together want: each names the takes of the laptops that it has. For a moment two
 * can name different takers of a port; then who has it keeps it.
 */
export function wantedOf(
  sources: Iterable<Source>,
  has: (take: WantedTake) => boolean,
): { readonly takes: readonly WantedTake[]; readonly reachable: boolean } {
  const all = [...sources];
  const reachable = all.some((source) => source.reachable);
  const takes = new Map<string, WantedTake>();
  for (const source of all) {
    if (reachable && !source.reachable) continue;
    for (const take of source.takes) takes.set(keyOf(take), take);
  }
  const keeps = (take: WantedTake): number => Number(has(take));
  return { takes: [...takes.values()].toSorted((a, b) => keeps(b) - keeps(a)), reachable };
}

/** Whether a manager has the laptop of an intercept, and brings to it what is taken of this protocol. */
export function offers(source: Source, interceptUid: string, protocol: PortProtocol): boolean {
  return (
    source.reachable &&
    source.takes.some((take) => take.interceptUid === interceptUid && take.protocol === protocol)
  );
}

function keyOf({ interceptUid, containerPort, protocol }: WantedTake): string {
  return `${interceptUid} ${String(containerPort)}/${protocol}`;
}
