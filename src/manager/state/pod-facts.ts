import type { PodObject } from './cluster-objects.ts';
import { agentTakes, requestCovers, requestOf } from './injected.ts';
import { isEnding, isReady, runningPodsOf } from './owner.ts';
import { targetPorts, type Target } from './target.ts';
import type { ClusterView } from './view.ts';

/** What the relay and the agents have reported. */
export interface Facts {
  /** The laptop of this Connection can be reached now. */
  isHere(connectionUid: string): boolean;
  /** The pod's agent has a session with this manager now. */
  isAttached(podUid: string): boolean;
  /** What a pod's agent says of one take; undefined when it has said nothing since it connected. */
  takeState(
    podUid: string,
    interceptUid: string,
  ): { readonly active: boolean; readonly message: string } | undefined;
}

/** One pod of an intercepted workload. */
export interface PodFact {
  readonly pod: PodObject;
  readonly ready: boolean;
  /** Counted no more, but intercepted to its end. */
  readonly ending: boolean;
  /** It has an agent that can take the port, and who is to step aside has done so. */
  readonly able: boolean;
  /** Its template asked for that when it was made. */
  readonly asked: boolean;
  readonly attached: boolean;
  readonly active: boolean;
  readonly message: string;
}

/** The pods of a target, and how far each is. */
export function podFacts(
  view: ClusterView,
  facts: Facts,
  claim: { readonly target: Target; readonly interceptUid: string },
): PodFact[] {
  const isPortless = targetPorts(claim.target).length === 0;
  return runningPodsOf(view, claim.target.workload).map((pod) => {
    const { agent } = pod.spec;
    const able = agent !== undefined && agentTakes(agent, claim.target);
    const attached = facts.isAttached(pod.metadata.uid);
    const state = facts.takeState(pod.metadata.uid, claim.interceptUid);
    return {
      pod,
      ready: isReady(pod),
      ending: isEnding(pod),
      able,
      asked: requestCovers(requestOf(pod.metadata.annotations), claim.target),
      attached,
      // Of what has no port there is nothing to take: that its agent can be asked is all.
      active: isPortless ? able && attached : (state?.active ?? false),
      message: state?.message ?? '',
    };
  });
}
