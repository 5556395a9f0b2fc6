import type { Desired } from './desired.ts';
import type { ReachableAgent } from './everyone.ts';

/**
 * The pods whose agents may dial for a Connection, the best first (design decision 3): those of its
 * intercepted workloads, else those of the namespace it is connected to. Empty: the relay itself. A
 * pod's own address is not dialled from it: that would pass by the rules which take its traffic.
 */
export function dialersFor(
  desired: Pick<Desired, 'connections' | 'intercepts'>,
  agents: ReadonlyMap<string, Pick<ReachableAgent, 'namespace' | 'address'>>,
  flow: { readonly connectionUid: string; readonly host: string },
): readonly (readonly string[])[] {
  const { connectionUid, host } = flow;
  const intercepted = new Set<string>();
  for (const intercept of desired.intercepts.values()) {
    if (intercept.connectionUid !== connectionUid) continue;
    for (const podUid of intercept.podUids) {
      const agent = agents.get(podUid);
      if (agent !== undefined && agent.address !== host) intercepted.add(podUid);
    }
  }
  const namespace = desired.connections.get(connectionUid)?.namespace;
  const neighbours: string[] = [];
  for (const [podUid, agent] of agents) {
    if (agent.namespace !== namespace || agent.address === host) continue;
    if (!intercepted.has(podUid)) neighbours.push(podUid);
  }
  return [[...intercepted], neighbours].filter((pods) => pods.length > 0);
}
