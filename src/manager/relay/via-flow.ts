import type { Logger } from '#base/log.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { carryFlow, type Next } from './carry-flow.ts';
import type { Desired } from './desired.ts';

interface Deps {
  readonly log: Logger;
  readonly desired: () => Desired | undefined;
  /** Sessions to the agent of one pod. */
  readonly sessionsOf: (podUid: string) => readonly Next[];
  /** Which of the pods may dial an address: none its own, by which it would pass its own rules. */
  readonly othersThan: (podUids: readonly string[], host: string) => readonly string[];
}

/** A flow that is to leave from a pod of a workload. */
export interface ViaOf {
  readonly connectionUid: string;
  readonly workload: string;
  /** Where it goes, checked already as that of any flow. */
  readonly host: string;
}

/**
 * Brings a flow to an agent of a workload that the laptop's own Connection names; nobody else's agents
 * are ever asked, nor anybody in their place. False where only the pod itself is meant, by its own
 * address: then it is for whoever dials usually.
 */
export async function takeViaFlow(deps: Deps, of: ViaOf, flow: IncomingFlow): Promise<boolean> {
  const log = deps.log.child({ via: of.workload });
  const own = deps.desired()?.connections.get(of.connectionUid);
  const named = own?.via.find(({ workload }) => workload === of.workload);
  if (named === undefined) {
    log.info('flow refused', { reason: 'no workload that this connection names' });
    flow.refuse('Forbidden');
    return true;
  }
  const pods = deps.othersThan(named.podUids, of.host);
  if (pods.length === 0 && named.podUids.length > 0) return false;
  const carried = await carryFlow(
    flow,
    pods.flatMap((podUid) => deps.sessionsOf(podUid)),
  );
  if (carried.kind === 'refused') log.debug('flow not opened', { reason: carried.error.message });
  if (carried.kind === 'unasked' && !flow.signal.aborted) flow.refuse('Unavailable');
  return true;
}
