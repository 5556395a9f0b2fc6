import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { decidePodLoopback } from '#protocol/dial-policy.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { carryFlow, type Next } from './carry-flow.ts';
import type { Desired } from './desired.ts';
import { endWithIntercept, ownIntercept, type InterceptOf } from './own-intercept.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'every'>;
  readonly desired: () => Desired | undefined;
  /** Sessions to the agent of one pod. */
  readonly sessionsOf: (podUid: string) => readonly Next[];
}

/**
 * Brings a flow of `--to-pod` to an agent of the laptop's own Intercept, which dials its pod's loopback.
 * Nobody else may: to a pod its loopback is a place that only its own containers reach.
 */
export async function takePodFlow(deps: Deps, of: InterceptOf, flow: IncomingFlow): Promise<void> {
  const log = deps.log.child({ intercept: of.interceptUid });
  const intercept = ownIntercept(deps.desired(), of);
  if (intercept === undefined || flow.kind === 'echo') {
    log.info('flow refused', { reason: 'not an intercept of this laptop' });
    flow.refuse('Forbidden');
    return;
  }
  // The agent knows its own ports, and looks again.
  const decision = decidePodLoopback(flow.authority, []);
  if (!decision.ok) {
    log.info('flow refused', { reason: decision.message });
    flow.refuse('Forbidden');
    return;
  }
  const headers = { [interceptHeader]: of.interceptUid };
  for (const podUid of intercept.podUids) {
    const carried = await carryFlow(flow, deps.sessionsOf(podUid), headers);
    if (carried.kind === 'refused') log.debug('flow not opened', { reason: carried.error.message });
    if (carried.kind === 'joined') endWithIntercept(deps, of, flow.stream);
    if (carried.kind !== 'unasked' || flow.signal.aborted) return;
  }
  flow.refuse('Unavailable');
}
