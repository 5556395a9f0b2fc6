import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { decideDial } from '#protocol/dial-policy.ts';
import type { DialDatagrams } from '#tunnel/dial-udp.ts';
import { refusalForDial } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';

import { dial } from '../take/app.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly datagrams: Readonly<Record<'udp' | 'echo', DialDatagrams>>;
}

/** Linux gives a SYN up after two minutes; a laptop's user has given up before. */
const dialWithinMs = 30_000;

/**
 * Dials from the pod for a laptop, as design decision 3 wants it: policies and meshes see the pod.
 * The relay has checked the subnets; what is never dialled from anywhere is refused here again.
 */
export async function dialForLaptop(deps: Deps, flow: IncomingFlow): Promise<void> {
  const decision = decideDial(flow.authority, { subnets: undefined, never: [] });
  if (!decision.ok) {
    deps.log.debug('not dialled', { authority: flow.authority, reason: decision.message });
    flow.refuse('Forbidden');
    return;
  }
  const { host, port } = decision;
  if (flow.kind !== 'tcp') {
    deps.datagrams[flow.kind](flow, decision);
    return;
  }
  const waiting = { ms: dialWithinMs, what: `dial ${host}:${port}`, signal: flow.signal };
  try {
    const socket = await withDeadline(deps, waiting, (signal) => dial(host, port, signal));
    splice(flow.accept().stream, socket);
  } catch (error) {
    deps.log.debug('dial failed', { authority: flow.authority, reason: describe(error) });
    flow.refuse(refusalForDial(error));
  }
}
