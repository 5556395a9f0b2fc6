import { describe } from '#base/errors.ts';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import type { Session } from './session.ts';

/** What a probe found just now. */
export type Probe =
  | { readonly kind: 'alive'; readonly rttMs: number }
  | { readonly kind: 'dead'; readonly reason: string };

const probeMs = 2000;

/** Asks the manager whether it is there, now; every kind of tunnel must be up too. */
export async function probeSession(
  deps: { readonly clock: Pick<Clock, 'after'> },
  { tunnels }: Pick<Session, 'tunnels'>,
  signal: AbortSignal,
): Promise<Probe> {
  for (const [role, { state }] of [
    ['control', tunnels.control],
    ['outbound', tunnels.outbound],
    ['reverse', tunnels.reverse],
  ] as const) {
    if (state.open > 0) continue;
    const why = state.trouble === undefined ? 'connecting' : describe(state.trouble);
    return { kind: 'dead', reason: `no ${role} tunnel: ${why}` };
  }
  const [session] = tunnels.control.members;
  if (session === undefined) return { kind: 'dead', reason: 'no control tunnel' };
  try {
    const what = 'traffic-manager';
    const rttMs = await withDeadline(deps, { ms: probeMs, what, signal }, async () => {
      return await session.ping();
    });
    return { kind: 'alive', rttMs };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'dead', reason: describe(error) };
  }
}
