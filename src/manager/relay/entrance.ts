import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentIdentity, RelayConnection } from '#protocol/gen/telepresence_pb.ts';
import type { AgentRole } from '#tunnel/agent-handshake.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import type { LaptopRole } from '#tunnel/handshake-proof.ts';
import type { ReceiveWindows } from '#tunnel/receive-windows.ts';
import { serveSession } from '#tunnel/server-session.ts';
import type { SessionLife } from '#tunnel/session-life.ts';
import { takeAgentCall } from './agent-calls.ts';
import { connectController, pipeControl } from './control-pipe.ts';
import type { Everyone } from './everyone.ts';
import { takeInboundFlow } from './inbound.ts';
import type { LivenessBoard } from './liveness-board.ts';
import { takeOutboundFlow } from './outbound.ts';
import type { Routing } from './routing.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly everyone: Everyone;
  readonly board: LivenessBoard;
  readonly windows: (owner: string) => ReceiveWindows;
  readonly routing: Routing;
}

interface Options {
  /** Of the controller. */
  readonly socketPath: string;
  readonly signal: AbortSignal;
}

/** Gives the connection of a laptop that has proven itself to what its role is for. */
export async function enterLaptop(
  deps: Deps,
  options: Options,
  { uid }: RelayConnection,
  role: LaptopRole,
  duplex: Duplex,
): Promise<void> {
  const { routing, board } = deps;
  const { laptops } = deps.everyone;
  // It may have been removed while it proved itself.
  if (routing.desired()?.connections.has(uid) !== true) {
    duplex.destroy();
    return;
  }
  const scoped = { clock: deps.clock, log: deps.log.child({ connection: uid, role }) };
  switch (role) {
    case 'control': {
      const peer = { kind: { case: 'laptop', value: { connectionUid: uid } } } as const;
      const controller = await connectController(options.socketPath, peer, options.signal);
      laptops.control.add(uid, pipeControl(duplex, controller));
      return;
    }
    case 'outbound': {
      const session = serveSession(duplex, {
        ...scoped,
        windows: deps.windows(uid),
        onFlow: (flow) => void takeOutboundFlow(routing, uid, flow),
        onRequest: (stream, headers) => takeAgentCall(routing, uid, stream, headers),
      });
      board.watch(uid, session);
      laptops.outbound.add(uid, session);
      return;
    }
    case 'reverse': {
      const session = openClientSession(duplex, { ...scoped, windows: deps.windows(uid) });
      board.watch(uid, session);
      laptops.reverse.add(uid, session);
      tellEnd(scoped.log, session);
    }
  }
}

/** From here on an agent's connections go elsewhere: how long that takes is told from these lines. */
function tellEnd(log: Logger, session: SessionLife): void {
  log.info('session opened');
  void session.closed.then((end) => {
    log.info('session ended', { reason: end.kind === 'lost' ? describe(end.error) : 'closed' });
  });
}

/** Gives the connection of an agent, known by its token, to what its role is for. */
export async function enterAgent(
  deps: Deps,
  options: Options,
  { identity, address }: { readonly identity: AgentIdentity; readonly address: string },
  role: AgentRole,
  duplex: Duplex,
): Promise<void> {
  const { routing, board } = deps;
  const { agents } = deps.everyone;
  const { podUid } = identity;
  const scoped = { clock: deps.clock, log: deps.log.child({ pod: identity.pod, role }) };
  switch (role) {
    case 'control': {
      const peer = { kind: { case: 'agent', value: { identity } } } as const;
      const controller = await connectController(options.socketPath, peer, options.signal);
      agents.control.add(podUid, pipeControl(duplex, controller));
      return;
    }
    case 'inbound': {
      const session = serveSession(duplex, {
        ...scoped,
        windows: deps.windows(podUid),
        onFlow: (flow) => void takeInboundFlow(routing, podUid, flow),
      });
      board.watch(podUid, session);
      agents.inbound.add(podUid, session);
      return;
    }
    case 'outbound': {
      const session = openClientSession(duplex, { ...scoped, windows: deps.windows(podUid) });
      board.watch(podUid, session);
      deps.everyone.introduce({ ...identity, address }, session);
      agents.outbound.add(podUid, session);
    }
  }
}
