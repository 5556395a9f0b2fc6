import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { AgentHelloSchema } from '#protocol/gen/telepresence_pb.ts';
import { TunnelError } from './errors.ts';
import { withHandshake } from './handshake.ts';
import { handshakeMs } from './laptop-handshake.ts';
import { admit, awaitVerdict, judge } from './verdict.ts';

/** What an agent's connection is for. */
export const agentRoles = ['control', 'inbound', 'outbound'] as const;
export type AgentRole = (typeof agentRoles)[number];

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
}

/** The agent's side, on a TLS connection whose certificate it has checked. */
export async function enterAsAgent(
  deps: Deps,
  duplex: Duplex,
  options: {
    readonly role: AgentRole;
    /** The pod's projected, audience-bound token. */
    readonly token: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { role, token, signal } = options;
  const what = `handshake with the manager (${role})`;
  await withHandshake(deps, duplex, { ms: handshakeMs, what, signal }, async (frames) => {
    await frames.write(AgentHelloSchema, { role, token });
    await awaitVerdict(frames);
  });
}

/**
 * The relay's side. `review` says who holds the token; it throws a TunnelError for an agent that
 * is not to be let in.
 */
export async function admitAgent<Identity>(
  deps: Deps,
  duplex: Duplex,
  options: {
    readonly review: (token: string, role: AgentRole) => Promise<Identity>;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly role: AgentRole; readonly identity: Identity }> {
  const { review, signal } = options;
  const what = 'handshake with an agent';
  return withHandshake(deps, duplex, { ms: handshakeMs, what, signal }, async (frames) => {
    const admitted = await judge(frames, async () => {
      const hello = await frames.read(AgentHelloSchema);
      const role = agentRoles.find((each) => each === hello.role);
      if (role === undefined) throw new TunnelError('Malformed', 'no such role');
      return { role, identity: await review(hello.token, role) };
    });
    await admit(frames);
    return admitted;
  });
}
