import { toError } from '#base/errors.ts';
import { leastBusy } from '#tunnel/connection-set.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { refusalForDial } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { resetEnd, splice } from '#tunnel/splice.ts';
import type { OutgoingHttpHeaders } from 'node:http2';
import { passEarlyBytes } from './early-bytes.ts';

/** A session over which flows may go on. */
export type Next = Pick<ClientSession, 'beginFlow' | 'isOpen' | 'openFlows' | 'unsentBytes'>;

/** How a flow that was to go on over a session was answered. */
export type Carried =
  | { readonly kind: 'joined' }
  | { readonly kind: 'refused'; readonly error: Error }
  /** No session could even ask: the flow is still to be answered. */
  | { readonly kind: 'unasked' };

/** Whether its first bytes were handled is not known: a refusal would say that they were not. */
class LostWithBytes extends Error {}

/**
 * Carries a flow on over one of `sessions`; where one is lost before it answered, over the next, unless
 * it may have handled first bytes that nobody else may get too: then the flow is reset. A refusal is
 * the answer of whoever was asked, and is passed on.
 */
export async function carryFlow(
  flow: IncomingFlow,
  sessions: readonly Next[],
  headers: OutgoingHttpHeaders = {},
): Promise<Carried> {
  const untried = new Set(sessions.filter((session) => session.isOpen));
  for (;;) {
    const session = leastBusy([...untried]);
    if (session === undefined) return { kind: 'unasked' };
    untried.delete(session);
    try {
      await join(flow, session, headers);
      return { kind: 'joined' };
    } catch (error) {
      if (error instanceof LostWithBytes) {
        resetEnd(flow.stream, error);
        return { kind: 'refused', error };
      }
      if (!flow.signal.aborted && isForAnother(error, flow)) continue;
      flow.refuse(refusalForDial(error));
      return { kind: 'refused', error: toError(error) };
    }
  }
}

/** Whoever was asked is gone, or is not permitted to send what the next one may. */
function isForAnother(error: unknown, { kind }: IncomingFlow): boolean {
  if (!(error instanceof TunnelError)) return false;
  return error.code === 'Lost' || (kind === 'echo' && error.code === 'Unavailable');
}

async function join(flow: IncomingFlow, next: Next, headers: OutgoingHttpHeaders): Promise<void> {
  const { authority, kind, signal } = flow;
  const begun = next.beginFlow({ authority, kind, headers, signal });
  const early = passEarlyBytes(flow.stream, begun.flow.stream);
  try {
    const { stream } = await begun.accepted;
    early.taken();
    splice(flow.accept().stream, stream);
  } catch (error) {
    early.kept();
    const lost = error instanceof TunnelError && error.code === 'Lost';
    throw lost && early.committed ? new LostWithBytes(error.message, { cause: error }) : error;
  }
}
