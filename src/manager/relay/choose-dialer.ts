import type { AgentIdentity } from '#protocol/gen/telepresence_pb.ts';
import type { Desired } from './desired.ts';

/**
 * The pods whose agents may dial for a Connection, the best first (design decision 3): those of its
 * intercepted workloads, else those of the namespace it is connected to. Empty: the relay itself.
 */
export function dialersFor(
  desired: Pick<Desired, 'connections' | 'intercepts'>,
  agents: ReadonlyMap<string, Pick<AgentIdentity, 'namespace'>>,
  connectionUid: string,
): readonly (readonly string[])[] {
  const intercepted = new Set<string>();
  for (const intercept of desired.intercepts.values()) {
    if (intercept.connectionUid !== connectionUid) continue;
    for (const podUid of intercept.podUids) {
      if (agents.has(podUid)) intercepted.add(podUid);
    }
  }
  const namespace = desired.connections.get(connectionUid)?.namespace;
  const neighbours: string[] = [];
  for (const [podUid, agent] of agents) {
    if (agent.namespace === namespace && !intercepted.has(podUid)) neighbours.push(podUid);
  }
  return [[...intercepted], neighbours].filter((pods) => pods.length > 0);
}
