import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import { byAge, contention, holds, nameKey, type Contention } from './claim-order.ts';
import { nameOf } from './owner.ts';
import type { Refusal } from './refusal.ts';
import { successors } from './successors.ts';
import type { Target } from './target.ts';

/** An Intercept that means something, and how its laptop is. */
export interface Claim {
  readonly intercept: Intercept;
  readonly target: Target;
  /** The laptop is gone for longer than the grace: others may take over. */
  readonly pastGrace: boolean;
  /** The laptop is gone, and from this time (ms since the epoch) on others may take over. */
  readonly freeAtMs?: number | undefined;
}

/** Who holds a port now, and who must do without. */
export interface Claims {
  readonly held: ReadonlyMap<string, Claim>;
  readonly refused: ReadonlyMap<string, Refusal>;
}

/**
 * Decides who gets each workload's port. One that a newer Intercept replaces gives way; then
 * whoever lost its laptop for longer than the grace; then whoever came later. Who holds a port
 * already keeps it, so that a decision once made stays; who lost it to somebody does not get it back.
 * Wiretaps and ingests take nothing: any number of them may be, beside an intercept too.
 */
export function decideClaims(claims: readonly Claim[]): Claims {
  const held = new Map<string, Claim>();
  const refused = new Map<string, Refusal>();
  const running: Claim[] = [];
  for (const claim of claims) {
    const { metadata, status } = claim.intercept;
    if (status.reason !== 'TakenOver') running.push(claim);
    else refused.set(metadata.uid, { reason: 'TakenOver', message: status.message ?? '' });
  }
  const { replaced, heirs } = successors(running);
  const byWorkload = new Map<string, Claim[]>();
  const byName = new Map<string, Claim>();
  for (const claim of running.toSorted((a, b) => byRight(a, b, heirs))) {
    const { uid } = claim.intercept.metadata;
    const successor = replaced.get(claim);
    if (successor !== undefined) {
      refused.set(uid, replacedBy(claim, successor));
      continue;
    }
    const neighbours = byWorkload.get(workloadUid(claim)) ?? [];
    const holder =
      neighbours.find((one) => contention(claim, one) !== undefined) ?? byName.get(nameKey(claim));
    if (holder !== undefined) {
      const lost =
        claim.pastGrace && holds(claim.intercept) && contention(claim, holder) !== undefined;
      refused.set(uid, lost ? takenOver(holder) : refusal(claim, holder));
      continue;
    }
    byWorkload.set(workloadUid(claim), [...neighbours, claim]);
    byName.set(nameKey(claim), claim);
    held.set(uid, claim);
  }
  return { held, refused };
}

function workloadUid({ target }: Claim): string {
  return target.workload.object.metadata.uid;
}

function byRight(a: Claim, b: Claim, heirs: ReadonlySet<Claim>): number {
  const has = (claim: Claim): boolean => heirs.has(claim) || holds(claim.intercept);
  return (
    Number(a.pastGrace) - Number(b.pastGrace) ||
    Number(has(b)) - Number(has(a)) ||
    byAge(a.intercept, b.intercept)
  );
}

function replacedBy(claim: Claim, successor: Claim): Refusal {
  const { metadata, spec } = successor.intercept;
  return spec.connection.uid === claim.intercept.spec.connection.uid &&
    spec.replaces === claim.intercept.metadata.name
    ? { reason: 'Replaced', message: `replaced by ${metadata.name}` }
    : takenOver(successor);
}

function takenOver({ intercept: { spec } }: Claim): Refusal {
  return { reason: 'TakenOver', message: `taken over by ${spec.client} (intercept ${spec.name})` };
}

function nameTaken({ intercept: { spec } }: Claim, namesake: Claim): Refusal {
  const mode = modeOf(namesake.intercept.spec);
  const what = mode === 'wiretap' ? `a ${mode}` : `an ${mode}`;
  return { reason: 'NameTaken', message: `there is ${what} named ${spec.name} already` };
}

function refusal(claim: Claim, holder: Claim): Refusal {
  const [own, theirs] = [claim.intercept.spec, holder.intercept.spec];
  const contended = contention(claim, holder);
  if (contended === undefined) return nameTaken(claim, holder);
  const what = `${held(contended, holder)} by`;
  if (theirs.connection.uid === own.connection.uid) {
    return { reason: 'ConflictOwn', message: `${what} your intercept ${theirs.name}` };
  }
  const who = `${what} ${theirs.client} (intercept ${theirs.name})`;
  if (theirs.user === own.user) return { reason: 'ConflictOwn', message: `${who}, which is you` };
  if (holder.freeAtMs !== undefined) {
    const from = new Date(holder.freeAtMs).toISOString().slice(11, 19);
    return {
      reason: 'ConflictLost',
      message: `${who}, whose laptop is disconnected: others may take over from ${from} UTC on`,
    };
  }
  return own.force === true
    ? { reason: 'ForceRefused', message: `${who}: --force takes over from oneself only` }
    : { reason: 'Conflict', message: who };
}

/** `port 8080 of Deployment hello is intercepted`, `container app of … is replaced` */
function held(contended: Contention, { target }: Claim): string {
  const where = nameOf(target.workload);
  if (contended.what === 'port' && target.replaces === undefined) {
    return `port ${contended.port} of ${where} is intercepted`;
  }
  const container =
    contended.what === 'container' ? contended.container : (target.replaces ?? target.container);
  return `container ${container} of ${where} is ${target.replaces === container ? 'replaced' : 'intercepted'}`;
}
