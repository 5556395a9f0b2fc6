import type { Intercept } from '#protocol/resources.ts';
import { nameOf } from './owner.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** An Intercept that means something, and how its laptop is. */
export interface Claim {
  readonly intercept: Intercept;
  readonly target: Target;
  /** The laptop is gone for longer than the grace: others may take over. */
  readonly pastGrace: boolean;
}

/** Who holds a port now, and who must do without. */
export interface Claims {
  readonly held: ReadonlyMap<string, Claim>;
  readonly refused: ReadonlyMap<string, Refusal>;
}

/**
 * Decides who gets each workload's port. One that a newer Intercept of the same Connection replaces
 * gives way; then whoever lost its laptop for longer than the grace; then whoever came later. Who
 * holds a port already keeps it, so that a decision once made stays.
 */
export function decideClaims(claims: readonly Claim[]): Claims {
  const held = new Map<string, Claim>();
  const refused = new Map<string, Refusal>();
  const replaced = replacements(claims);
  const byPort = new Map<string, Claim>();
  const byName = new Map<string, Claim>();
  for (const claim of claims.toSorted(byRight)) {
    const { uid } = claim.intercept.metadata;
    const successor = replaced.get(uid);
    if (successor !== undefined) {
      refused.set(uid, {
        reason: 'Replaced',
        message: `replaced by ${successor.intercept.metadata.name}`,
      });
      continue;
    }
    const holder = byPort.get(portKey(claim)) ?? byName.get(nameKey(claim));
    if (holder !== undefined) {
      refused.set(uid, refusal(claim, holder));
      continue;
    }
    byPort.set(portKey(claim), claim);
    byName.set(nameKey(claim), claim);
    held.set(uid, claim);
  }
  return { held, refused };
}

/** Which Intercepts give way, by UID, and to which newer one of the same Connection. */
function replacements(claims: readonly Claim[]): Map<string, Claim> {
  const replaced = new Map<string, Claim>();
  for (const newer of claims) {
    const old = claims.find(
      (claim) =>
        claim !== newer &&
        claim.intercept.metadata.name === newer.intercept.spec.replaces &&
        claim.intercept.metadata.namespace === newer.intercept.metadata.namespace &&
        claim.intercept.spec.connection.uid === newer.intercept.spec.connection.uid &&
        byAge(claim, newer) < 0,
    );
    if (old !== undefined) replaced.set(old.intercept.metadata.uid, newer);
  }
  return replaced;
}

function byRight(a: Claim, b: Claim): number {
  return (
    Number(a.pastGrace) - Number(b.pastGrace) ||
    Number(holds(b.intercept)) - Number(holds(a.intercept)) ||
    byAge(a, b)
  );
}

function byAge(a: Claim, b: Claim): number {
  const [x, y] = [a.intercept.metadata, b.intercept.metadata];
  return compare(x.creationTimestamp ?? '', y.creationTimestamp ?? '') || compare(x.uid, y.uid);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function holds(intercept: Intercept): boolean {
  const { state } = intercept.status;
  return state === 'Active' || state === 'Waiting' || state === 'Disconnected';
}

function portKey({ target }: Claim): string {
  return `${target.workload.object.metadata.uid} ${String(target.containerPort)}/${target.protocol}`;
}

function nameKey({ intercept }: Claim): string {
  return `${intercept.spec.connection.uid} ${intercept.metadata.namespace} ${intercept.spec.name}`;
}

function refusal(claim: Claim, holder: Claim): Refusal {
  const theirs = holder.intercept;
  if (portKey(claim) !== portKey(holder)) {
    return {
      reason: 'NameTaken',
      message: `there is an intercept named ${claim.intercept.spec.name} already`,
    };
  }
  const own = theirs.spec.connection.uid === claim.intercept.spec.connection.uid;
  return {
    reason: 'Conflict',
    message: `port ${String(claim.target.containerPort)} of ${nameOf(claim.target.workload)} is intercepted by ${
      own
        ? `your intercept ${theirs.spec.name}`
        : `${theirs.spec.client} (intercept ${theirs.spec.name})`
    }`,
  };
}
