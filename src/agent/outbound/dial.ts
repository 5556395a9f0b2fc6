import type { Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { decideDial, decidePodLoopback, podLoopback } from '#protocol/dial-policy.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import type { DialDatagrams } from '#tunnel/dial-udp.ts';
import { refusalForDial } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';

import { dial } from '../take/app.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly datagrams: Readonly<Record<'udp' | 'echo', DialDatagrams>>;
  readonly ownPod: OwnPod;
}

/** Whose flows may go to the loopback of this pod, and where to. */
interface OwnPod {
  /** Something of this pod is to go to the laptop of that intercept. */
  readonly isOurs: (interceptUid: string) => boolean;
  readonly agentPorts: readonly number[];
}

/** Linux gives a SYN up after two minutes; a laptop's user has given up before. */
const dialWithinMs = 30_000;

/**
 * Dials from the pod for a laptop, as design decision 3 wants it: policies and meshes see the pod.
 * The relay has checked the subnets, and whose intercept it is; what is never dialled from anywhere
 * is refused here again.
 */
export async function dialForLaptop(deps: Deps, flow: IncomingFlow): Promise<void> {
  const named = flow.headers[interceptHeader];
  const decision =
    named === undefined
      ? decideDial(flow.authority, { subnets: undefined, never: [] })
      : decideOwnPod(deps.ownPod, String(named), flow);
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
    const socket = await withDeadline(deps, waiting, (signal) =>
      host === podLoopback ? dialLoopback(port, signal) : dial(host, port, signal),
    );
    splice(flow.accept().stream, socket);
  } catch (error) {
    deps.log.debug('dial failed', { authority: flow.authority, reason: describe(error) });
    flow.refuse(refusalForDial(error));
  }
}

function decideOwnPod(
  { isOurs, agentPorts }: OwnPod,
  interceptUid: string,
  { authority, kind }: IncomingFlow,
): ReturnType<typeof decidePodLoopback> {
  if (kind === 'echo' || !isOurs(interceptUid)) {
    return { ok: false, reason: 'Loopback', message: `no intercept ${interceptUid} of this pod` };
  }
  return decidePodLoopback(authority, agentPorts);
}

/** What says `localhost` may listen on either address of it. */
async function dialLoopback(port: number, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial(podLoopback, port, signal);
  } catch (error) {
    if (systemCode(error) !== 'ECONNREFUSED') throw error;
    return await dial('::1', port, signal).catch(() => {
      throw error;
    });
  }
}
