import type { Claim } from './claims.ts';
import { byAge, contention, holds, nameKey } from './claim-order.ts';

/** Who gives way to a newer Intercept of the same Connection, or to `force` of the same user. */
export interface Successors {
  readonly replaced: ReadonlyMap<Claim, Claim>;
  /** Those who get what one that they replace has had: nobody comes between. */
  readonly heirs: ReadonlySet<Claim>;
}

/** Finds them; whoever is newer replaces, so there is no circle. */
export function successors(claims: readonly Claim[]): Successors {
  const replaced = new Map<Claim, Claim>();
  const oldestFirst = inOrder(claims);
  for (const [index, newer] of oldestFirst.entries()) {
    for (const old of oldestFirst.slice(0, index)) {
      if (isReplacement(old, newer) || isTakeOver(old, newer, claims)) replaced.set(old, newer);
    }
  }
  const heirs = new Set<Claim>();
  for (const claim of replaced.keys()) {
    if (claim.pastGrace || !holds(claim.intercept)) continue;
    let heir = replaced.get(claim);
    while (heir !== undefined) {
      heirs.add(heir);
      heir = replaced.get(heir);
    }
  }
  return { replaced, heirs };
}

/** Of two made in one second the one that replaces is the newer, whatever their uids say. */
function inOrder(claims: readonly Claim[]): Claim[] {
  const left = new Set(claims.toSorted((a, b) => byAge(a.intercept, b.intercept)));
  const ordered: Claim[] = [];
  const take = (claim: Claim): void => {
    // What this one replaces comes first; of a circle, whoever is asked for first.
    if (!left.delete(claim)) return;
    for (const old of left) {
      if (isReplacement(old, claim) && isOfOneSecond(old, claim)) take(old);
    }
    ordered.push(claim);
  };
  for (const claim of left) take(claim);
  return ordered;
}

function isOfOneSecond({ intercept: a }: Claim, { intercept: b }: Claim): boolean {
  return a.metadata.creationTimestamp === b.metadata.creationTimestamp;
}

function isReplacement({ intercept: old }: Claim, { intercept: newer }: Claim): boolean {
  return (
    old.metadata.name === newer.spec.replaces &&
    old.metadata.namespace === newer.metadata.namespace &&
    old.spec.connection.uid === newer.spec.connection.uid
  );
}

/** The policy proves `spec.user`: nobody forces for another. */
function isTakeOver(old: Claim, newer: Claim, claims: readonly Claim[]): boolean {
  const { spec } = newer.intercept;
  return (
    spec.force === true &&
    spec.user === old.intercept.spec.user &&
    contention(old, newer) !== undefined &&
    // One that is refused for its own name's sake takes nothing from anybody.
    !claims.some((other) => isInTheWay(other, newer))
  );
}

function isInTheWay(other: Claim, newer: Claim): boolean {
  return (
    other !== newer &&
    nameKey(other) === nameKey(newer) &&
    contention(other, newer) === undefined &&
    byAge(other.intercept, newer.intercept) < 0 &&
    !isReplacement(other, newer)
  );
}
