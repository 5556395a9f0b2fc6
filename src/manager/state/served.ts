import type { PortProtocol } from '#protocol/agent-config.ts';
import { modeOf, type InterceptMode } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import { portsTakenBy } from './injected.ts';
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
  /** The port's container has stepped aside; with `whole` others of its ports are taken, too. */
  readonly aside?: 'port' | 'whole';
}

/** An Intercept as the relay serves it. */
export interface PlannedIntercept {
  readonly uid: string;
  readonly connectionUid: string;
  readonly namespace: string;
  readonly podUids: readonly string[];
  /** The first for relays that know of one only. */
  readonly protocols: readonly [PortProtocol, ...PortProtocol[]];
}

/** What the relay is told of an Intercept that has what it asked for, with these of its pods. */
export function servedIntercept(
  intercept: Intercept,
  target: Target,
  pods: readonly PodFact[],
): PlannedIntercept {
  const { protocol } = target;
  const others = new Set(targetPorts(target).map((port) => port.protocol));
  others.delete(protocol);
  return {
    uid: intercept.metadata.uid,
    connectionUid: intercept.spec.connection.uid,
    namespace: intercept.metadata.namespace,
    podUids: pods.filter((pod) => pod.able).map((pod) => pod.pod.metadata.uid),
    protocols: [protocol, ...others],
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
  const known: PlannedTake = { mode: 'ingest', interceptUid, containerPort: 0, protocol: 'TCP' };
  const special: Pick<PlannedTake, 'mode' | 'aside'> = {
    ...(mode === 'intercept' ? {} : { mode }),
    ...(target.replaces === undefined
      ? {}
      : { aside: target.whole === undefined ? 'port' : 'whole' }),
  };
  for (const { able, pod } of pods) {
    if (!able) continue;
    const ports = mode === 'ingest' ? [] : portsTakenBy(pod.spec.agent, target);
    const wanted = ports.map(({ containerPort, protocol }) => {
      return { interceptUid, containerPort, protocol, ...special };
    });
    // Also of a container without ports the agent has to know whose it is: its localhost may be asked for.
    // And an agent that leaves UDP alone, as it is older, has to say that it is there.
    const needsWord = !ports.some(
      ({ protocol }) => special.aside !== 'whole' || protocol === 'TCP',
    );
    const { uid } = pod.metadata;
    takes.set(uid, [...(takes.get(uid) ?? []), ...(needsWord ? [known] : []), ...wanted]);
  }
}
