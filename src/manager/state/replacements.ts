import type { AgentRequest } from '#protocol/agent-config.ts';
import type { ConnectionPhase } from './grace.ts';
import { requestOf } from './injected.ts';
import type { InjectionNeed } from './injection-need.ts';
import { podsOf } from './owner.ts';
import type { Target } from './target.ts';
import type { ClusterView, Workload } from './view.ts';

/** Which containers of each workload step aside, by the workload's UID. */
export type Replacements = ReadonlyMap<string, readonly string[]>;

/** Somebody who holds what they take, and how their laptop is. */
interface Holding {
  readonly target: Target;
  readonly phase: ConnectionPhase;
}

/**
 * A container steps aside for a laptop that is there. One that is lost keeps it for the grace, since two
 * restarts for a moment's loss would be worse; it does not begin anything.
 */
export function replacementsOf(holdings: Iterable<Holding>): Replacements {
  const replacements = new Map<string, readonly string[]>();
  for (const { target, phase } of holdings) {
    const { replaces, workload } = target;
    if (replaces === undefined) continue;
    const begun = requestedOf(workload).includes(replaces);
    if (phase !== 'live' && !(phase === 'grace' && begun)) continue;
    const { uid } = workload.object.metadata;
    const all = new Set([...(replacements.get(uid) ?? []), replaces]);
    replacements.set(uid, [...all].toSorted());
  }
  return replacements;
}

/** Whether the container that an Intercept wants aside is to be, or stays. */
export function isAside(replacements: Replacements, { replaces, workload }: Target): boolean {
  const aside = replacements.get(workload.object.metadata.uid) ?? [];
  return replaces !== undefined && aside.includes(replaces);
}

/** The workload with everybody back who need not be aside any more; undefined where they are. */
export function restoration(
  view: ClusterView,
  workload: Workload,
  replacements: Replacements,
): InjectionNeed | undefined {
  const wanted = replacements.get(workload.object.metadata.uid) ?? [];
  const request = requestOf(workload.object.spec.template.metadata.annotations);
  const isLeft = (replaced: readonly string[] = []): boolean =>
    replaced.some((name) => !wanted.includes(name));
  // Nothing but us rolls the pods of a ReplicaSet, and we may have been away meanwhile.
  const late =
    workload.kind === 'ReplicaSet' &&
    podsOf(view, workload).some(({ spec }) => isLeft(spec.agent?.replaced));
  if (!isLeft(request?.replace) && !late) return undefined;
  return {
    workload,
    interceptUids: [],
    requests: [],
    recreateOnly: false,
    restore: { request: request && withOnly(request, wanted) },
  };
}

function withOnly(request: AgentRequest, wanted: readonly string[]): AgentRequest {
  const { take, ports, replace = [] } = request;
  const left = replace.filter((name) => wanted.includes(name));
  return left.length === 0 ? { take, ports } : { take, ports, replace: left };
}

function requestedOf({ object }: Workload): readonly string[] {
  return requestOf(object.spec.template.metadata.annotations)?.replace ?? [];
}
