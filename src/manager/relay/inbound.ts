import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { patienceHeader, sourceHeader, takenPortHeader } from '#protocol/flow-headers.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { carryFlow, type Next } from './carry-flow.ts';
import type { Desired } from './desired.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly desired: () => Desired | undefined;
  /** Sessions on which flows can be opened towards a laptop. */
  readonly reverse: (connectionUid: string) => readonly Next[];
  /** How long a laptop may take to answer; undefined before its first sign of life. */
  readonly patienceMs: (connectionUid: string) => number | undefined;
}

/** Most laptops have answered by then, and need no news of how long they may take. */
const tellAfterMs = 10;

/** Brings what an agent took from its pod, a connection or a client's datagrams, to whose laptop it is for. */
export async function takeInboundFlow(
  deps: Deps,
  podUid: string,
  flow: IncomingFlow,
): Promise<void> {
  const intercept = deps.desired()?.intercepts.get(flow.authority);
  const log = deps.log.child({ intercept: flow.authority, pod: podUid });
  if (intercept?.podUids.has(podUid) !== true || !intercept.kinds.has(flow.kind)) {
    log.info('flow refused', { reason: 'not an intercept of this pod' });
    flow.refuse('Forbidden');
    return;
  }
  using _telling = deps.clock.after(tellAfterMs, () => {
    const patience = deps.patienceMs(intercept.connectionUid);
    if (patience !== undefined) tellPatience(flow, patience - tellAfterMs);
  });
  const told = flow.headers;
  const headers = Object.fromEntries(
    [sourceHeader, takenPortHeader].flatMap((name) => {
      const value = told[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
  const carried = await carryFlow(flow, deps.reverse(intercept.connectionUid), headers);
  if (carried.kind === 'unasked') flow.refuse('Unavailable');
  if (carried.kind === 'refused') log.debug('flow not taken', { reason: carried.error.message });
}

// The agent knows its own distance to us, not the laptop's.
function tellPatience({ stream }: IncomingFlow, ms: number): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.additionalHeaders({ ':status': 103, [patienceHeader]: String(Math.ceil(ms)) });
}
