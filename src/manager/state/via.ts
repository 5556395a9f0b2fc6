import type { AgentRequest } from '#protocol/agent-config.ts';
import type { Connection, ViaStatus } from '#protocol/resources.ts';
import type { NamespaceObject, PodObject } from './cluster-objects.ts';
import { forbidsNetAdmin, type InjectionNeed } from './injection-need.ts';
import { requestOf } from './injected.ts';
import { agentMissing } from './intercept-status.ts';
import { isReady, nameOf, podsOf } from './owner.ts';
import type { Facts } from './pod-facts.ts';
import type { Refusal } from './refusal.ts';
import { checkInterceptable, findWorkload } from './find-workload.ts';
import type { ClusterView, Workload } from './view.ts';

/** A workload from whose pods the flows of one Connection may leave, and of nobody else. */
export interface PlannedVia {
  readonly connectionUid: string;
  readonly workload: string;
  /** Those of its pods that have an agent. */
  readonly podUids: readonly string[];
  readonly status: ViaStatus;
  /** What has to be done so that they have one; undefined when nothing. */
  readonly need: InjectionNeed | undefined;
}

interface Known {
  readonly view: ClusterView;
  readonly facts: Pick<Facts, 'isAttached'>;
  readonly injectionRefusals: ReadonlyMap<string, Refusal>;
  namespace(name: string): NamespaceObject | undefined;
}

/** What follows from the workloads that a Connection names; nothing is injected for a laptop that is away. */
export function planVias(known: Known, connection: Connection, live: boolean): PlannedVia[] {
  return [...new Set(connection.spec.via)].map((workload) =>
    planVia(known, { connection, workload, live }),
  );
}

function planVia(
  known: Known,
  asked: { readonly connection: Connection; readonly workload: string; readonly live: boolean },
): PlannedVia {
  const { namespace, uid } = asked.connection.metadata;
  const via = { connectionUid: uid, workload: asked.workload };
  const named = findWorkload(known.view, namespace, { workload: { name: asked.workload } });
  const outcome = named.ok ? checkInterceptable(named.value, known.view) : named;
  if (!outcome.ok) {
    const status = { state: 'Error' as const, ...outcome.refusal };
    return { ...via, podUids: [], status, need: undefined };
  }
  const claim = `${uid}/${asked.workload}`;
  const pods = podsOf(known.view, outcome.value);
  const need = needOf(known, { workload: outcome.value, claim, pods });
  return {
    ...via,
    podUids: pods.filter(hasAgent).map(({ metadata }) => metadata.uid),
    status: judge(known, { workload: outcome.value, claim, pods }),
    need: asked.live ? need : undefined,
  };
}

interface Case {
  readonly workload: Workload;
  /** By what the refusal of an injection is known. */
  readonly claim: string;
  readonly pods: readonly PodObject[];
}

function needOf(known: Known, { workload, claim, pods }: Case): InjectionNeed | undefined {
  // One that was made after the request, and has none, would not have one the next time.
  const lacks = (pod: PodObject): boolean =>
    !hasAgent(pod) && requestOf(pod.metadata.annotations) === undefined;
  if (!pods.some(lacks)) return undefined;
  const { template } = workload.object.spec;
  const request = requestOf(template.metadata.annotations);
  const namespace = known.namespace(workload.object.metadata.namespace);
  const redirect: AgentRequest[] = forbidsNetAdmin(namespace)
    ? []
    : [{ take: 'redirect', ports: [] }];
  return {
    workload,
    interceptUids: [claim],
    // Any agent does: this one takes no port.
    requests: request === undefined ? [...redirect, { take: 'rename', ports: [] }] : [request],
    recreateOnly: request !== undefined,
  };
}

function judge(known: Known, { workload, claim, pods }: Case): ViaStatus {
  const refusal = known.injectionRefusals.get(claim);
  if (refusal !== undefined) return { state: 'Error', ...refusal };
  const attached = pods.filter(
    (pod) => hasAgent(pod) && known.facts.isAttached(pod.metadata.uid) && isReady(pod),
  );
  const agents = { ready: attached.length, wanted: pods.length };
  if (attached.length > 0) return { state: 'Ready', agents };
  const uninjected = pods.find(
    (pod) => !hasAgent(pod) && requestOf(pod.metadata.annotations) !== undefined,
  );
  if (uninjected !== undefined) {
    return { state: 'Error', ...agentMissing({ pod: uninjected }), agents };
  }
  if (pods.length === 0) {
    const message = `${nameOf(workload)} has no pods`;
    return { state: 'Waiting', reason: 'NoPods', message, agents };
  }
  const message = `waiting for a traffic-agent of ${nameOf(workload)}`;
  return { state: 'Waiting', reason: 'AgentsNotReady', message, agents };
}

function hasAgent({ spec }: PodObject): boolean {
  return spec.agent !== undefined;
}
