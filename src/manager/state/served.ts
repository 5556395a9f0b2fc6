import type { PortProtocol } from '#protocol/agent-config.ts';
import { modeOf, type InterceptMode } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import type { PodFact } from './pod-facts.ts';
import { targetPorts, type Target } from './target.ts';

/** One port that a pod's agent is to take, or what it is to give otherwise. */
export interface PlannedTake {
  /** Left out of an intercept's. */
  readonly mode?: Exclude<InterceptMode, 'intercept'>;
  readonly interceptUid: string;
  /** 0 where no port is taken. */
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}

/** An Intercept as the relay serves it. */
export interface PlannedIntercept {
  readonly uid: string;
  readonly connectionUid: string;
  readonly namespace: string;
  readonly podUids: readonly string[];
  readonly protocol: PortProtocol;
}

/** What the relay is told of an Intercept that has what it asked for, with these of its pods. */
export function servedIntercept(
  intercept: Intercept,
  { protocol }: Target,
  pods: readonly PodFact[],
): PlannedIntercept {
  return {
    uid: intercept.metadata.uid,
    connectionUid: intercept.spec.connection.uid,
    namespace: intercept.metadata.namespace,
    podUids: pods.filter((pod) => pod.able).map((pod) => pod.pod.metadata.uid),
    protocol,
  };
}

/** Adds what the agents of its pods are to take for it. */
export function addTakes(
  takes: Map<string, PlannedTake[]>,
  { metadata, spec }: Intercept,
  target: Target,
  pods: readonly PodFact[],
): void {
  const { uid: interceptUid } = metadata;
  const mode = modeOf(spec);
  const ports = targetPorts(target).map(({ containerPort, protocol }) => {
    return mode === 'intercept'
      ? { interceptUid, containerPort, protocol }
      : { mode, interceptUid, containerPort, protocol };
  });
  // Also of a container without ports the agent has to know whose it is: its localhost may be asked for.
  const wanted: readonly PlannedTake[] =
    mode === 'ingest' || ports.length === 0
      ? [{ mode: 'ingest', interceptUid, containerPort: 0, protocol: 'TCP' }]
      : ports;
  for (const { able, pod } of pods) {
    if (!able) continue;
    const { uid } = pod.metadata;
    takes.set(uid, [...(takes.get(uid) ?? []), ...wanted]);
  }
}
