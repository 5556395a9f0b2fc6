import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import type { Claim } from './claims.ts';
import { targetPorts, type TargetPort } from './target.ts';

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

/** What two Intercepts cannot both have. */
export type Contention =
  | { readonly what: 'port'; readonly port: string }
  /** A container that one replaces, and another person uses. */
  | { readonly what: 'container'; readonly container: string };

/** Whether it wants something for itself: a copy of traffic, and what a container has, anybody can have too. */
function isExclusive({ intercept }: Pick<Claim, 'intercept'>): boolean {
  return modeOf(intercept.spec) === 'intercept';
}

/** What they both want of a workload; undefined when they get on. */
export function contention(a: Claim, b: Claim): Contention | undefined {
  if (!isExclusive(a) || !isExclusive(b)) return undefined;
  if (a.target.workload.object.metadata.uid !== b.target.workload.object.metadata.uid) {
    return undefined;
  }
  const theirs = targetPorts(b.target);
  const port = targetPorts(a.target).find((one) => theirs.some((other) => isSamePort(one, other)));
  if (port !== undefined) return { what: 'port', port: portText(port) };
  // One's own other ports of it can be taken too.
  if (a.intercept.spec.connection.uid === b.intercept.spec.connection.uid) return undefined;
  const container =
    [a.target.replaces].find((one) => one !== undefined && one === b.target.serving) ??
    [b.target.replaces].find((one) => one !== undefined && one === a.target.serving);
  return container === undefined ? undefined : { what: 'container', container };
}

/** `8080`, `53/UDP` */
function portText({ containerPort, protocol }: TargetPort): string {
  return `${String(containerPort)}${protocol === 'TCP' ? '' : `/${protocol}`}`;
}

function isSamePort(a: TargetPort, b: TargetPort): boolean {
  return a.containerPort === b.containerPort && a.protocol === b.protocol;
}

/** The name that only one Intercept of a Connection can have in a namespace. */
export function nameKey({ intercept }: Pick<Claim, 'intercept'>): string {
  return `${intercept.spec.connection.uid} ${intercept.metadata.namespace} ${intercept.spec.name}`;
}
