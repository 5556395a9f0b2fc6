import type { Intercept } from '#protocol/resources.ts';
import type { Claim } from './claims.ts';

/** Older Intercepts first; those of one second always in the same order. */
export function byAge(a: Intercept, b: Intercept): number {
  const [x, y] = [a.metadata, b.metadata];
  return compare(x.creationTimestamp ?? '', y.creationTimestamp ?? '') || compare(x.uid, y.uid);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What is written of it says that it has its port. */
export function holds({ status: { state } }: Intercept): boolean {
  return state === 'Active' || state === 'Waiting' || state === 'Disconnected';
}

/** The port of a workload that only one can have. */
export function portKey({ target }: Pick<Claim, 'target'>): string {
  return `${target.workload.object.metadata.uid} ${String(target.containerPort)}/${target.protocol}`;
}

/** The name that only one Intercept of a Connection can have in a namespace. */
export function nameKey({ intercept }: Pick<Claim, 'intercept'>): string {
  return `${intercept.spec.connection.uid} ${intercept.metadata.namespace} ${intercept.spec.name}`;
}
