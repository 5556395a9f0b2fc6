import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentIdentity, RelayConnection } from '#protocol/gen/telepresence_pb.ts';
import type { AgentRole } from '#tunnel/agent-handshake.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { leastBusy } from '#tunnel/connection-set.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { LaptopRole } from '#tunnel/handshake-proof.ts';
import { importSigner } from '#tunnel/keys.ts';
import { serveSession, type ServerSession } from '#tunnel/server-session.ts';
import { takeAgentCall } from './agent-calls.ts';
import { serveAgents } from './agents-server.ts';
import { serveApi } from './api-server.ts';
import { dialersFor } from './choose-dialer.ts';
import { connectController, pipeControl } from './control-pipe.ts';
import { desiredOf, type Desired } from './desired.ts';
import { takeInboundFlow } from './inbound.ts';
import { openControllerLink, type Facts } from './link.ts';
import { createLivenessBoard } from './liveness-board.ts';
import { takeOutboundFlow } from './outbound.ts';
import { createSessionSets, type Member } from './session-sets.ts';
import type { RelaySettings } from './settings.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  readonly apiPort: number;
  readonly agentsPort: number;
  /** Resolves when the controller's line has ended; then the relay is of no use any more. */
  readonly ended: Promise<void>;
}

/**
 * Starts the authenticated router of bytes (design: brain = controller, relay = router). It has no
 * Kubernetes credentials and does what the controller's desired state says.
 */
export async function startRelay(
  deps: Deps,
  settings: RelaySettings,
  signal: AbortSignal,
): Promise<Relay> {
  const { log, clock } = deps;
  let desired: Desired | undefined;
  let onChange = (): void => {};
  const changed = (): void => onChange();

  const laptops = {
    control: createSessionSets<Member>(() => {}),
    outbound: createSessionSets<ServerSession>(changed),
    reverse: createSessionSets<ClientSession>(changed),
  };
  const agents = {
    control: createSessionSets<Member>(() => {}),
    inbound: createSessionSets<ServerSession>(changed),
    outbound: createSessionSets<ClientSession>(changed),
  };
  const identities = new Map<string, AgentIdentity>();
  const board = createLivenessBoard(deps);

  const reachable = (): Map<string, AgentIdentity> =>
    new Map([...identities].filter(([podUid]) => agents.outbound.of(podUid).length > 0));
  const routing = {
    log,
    clock,
    desired: () => desired,
    dialers: (uid: string) =>
      desired === undefined
        ? []
        : dialersFor(desired, reachable(), uid).map((pods) =>
            pods.flatMap((podUid) => agents.outbound.of(podUid)),
          ),
    reverse: (uid: string) => laptops.reverse.of(uid),
    patienceMs: (uid: string) => board.patienceMs(uid),
    agentOf: (podUid: string) => leastBusy(agents.outbound.of(podUid)),
  };

  const facts = (): Facts => factsOf(desired?.epoch ?? 0n, laptops, agents);
  await using opening = new AsyncDisposableStack();
  const link = opening.use(
    await openControllerLink({ log, clock, facts }, { socketPath: settings.socketPath, signal }),
  );
  onChange = () => link.tell();

  const enterLaptop = async (
    connection: RelayConnection,
    role: LaptopRole,
    duplex: Duplex,
  ): Promise<void> => {
    const { uid } = connection;
    // It may have been removed while it proved itself.
    if (desired?.connections.has(uid) !== true) {
      duplex.destroy();
      return;
    }
    const scoped = { clock, log: log.child({ connection: uid, role }) };
    switch (role) {
      case 'control': {
        const peer = { kind: { case: 'laptop', value: { connectionUid: uid } } } as const;
        const controller = await connectController(settings.socketPath, peer, signal);
        laptops.control.add(uid, pipeControl(duplex, controller));
        return;
      }
      case 'outbound': {
        const session = serveSession(duplex, {
          ...scoped,
          onFlow: (flow) => void takeOutboundFlow(routing, uid, flow),
          onRequest: (stream, headers) => takeAgentCall(routing, uid, stream, headers),
        });
        board.watch(uid, session);
        laptops.outbound.add(uid, session);
        return;
      }
      case 'reverse': {
        const session = openClientSession(duplex, scoped);
        board.watch(uid, session);
        laptops.reverse.add(uid, session);
      }
    }
  };

  const enterAgent = async (
    identity: AgentIdentity,
    role: AgentRole,
    duplex: Duplex,
  ): Promise<void> => {
    const { podUid } = identity;
    const scoped = { clock, log: log.child({ pod: identity.pod, role }) };
    switch (role) {
      case 'control': {
        const peer = { kind: { case: 'agent', value: { identity } } } as const;
        const controller = await connectController(settings.socketPath, peer, signal);
        agents.control.add(podUid, pipeControl(duplex, controller));
        return;
      }
      case 'inbound': {
        const session = serveSession(duplex, {
          ...scoped,
          onFlow: (flow) => void takeInboundFlow(routing, podUid, flow),
        });
        board.watch(podUid, session);
        agents.inbound.add(podUid, session);
        return;
      }
      case 'outbound': {
        const session = openClientSession(duplex, scoped);
        board.watch(podUid, session);
        identities.set(podUid, identity);
        void session.closed.then(() => {
          if (agents.outbound.of(podUid).length === 0) identities.delete(podUid);
        });
        agents.outbound.add(podUid, session);
      }
    }
  };

  const api = opening.use(
    await serveApi(
      { log, clock, signer: importSigner(settings.managerKey) },
      {
        tls: settings.tls,
        port: settings.ports.api,
        desired: () => desired,
        onLaptop: enterLaptop,
        signal,
      },
    ),
  );
  const agentsServer = opening.use(
    await serveAgents(
      { log, clock },
      {
        tls: settings.tls,
        port: settings.ports.agents,
        review: async (token) => await link.reviewAgent(token, signal),
        onAgent: enterAgent,
        signal,
      },
    ),
  );

  const apply = (next: Desired): void => {
    const gone = [...(desired?.connections.keys() ?? [])].filter(
      (uid) => !next.connections.has(uid),
    );
    desired = next;
    for (const uid of gone) {
      const reason = new TunnelError('Lost', 'the connection was removed');
      for (const sets of [laptops.control, laptops.outbound, laptops.reverse])
        sets.end(uid, reason);
    }
    const busy = new Set<string>();
    for (const intercept of next.intercepts.values()) {
      busy.add(intercept.connectionUid);
      for (const podUid of intercept.podUids) busy.add(podUid);
    }
    board.setBusy((owner) => busy.has(owner));
    link.tell();
  };
  const serve = async (): Promise<void> => {
    try {
      for await (const message of link.desired) apply(desiredOf(message, settings.ownAddresses));
    } catch (error) {
      if (!signal.aborted) log.error('controller lost', { reason: describe(error) });
    }
  };
  const ended = serve();

  const running = opening.move();
  return {
    apiPort: portOf(api.address),
    agentsPort: portOf(agentsServer.address),
    ended,
    async [Symbol.asyncDispose]() {
      const reason = new TunnelError('Lost', 'the manager stops');
      for (const sets of [...Object.values(laptops), ...Object.values(agents)]) {
        sets.endAll(reason);
      }
      await running.disposeAsync();
      await ended;
    },
  };
}

function portOf(address: AddressInfo): number {
  return address.port;
}

interface Counted {
  owners(): Iterable<string>;
  of(owner: string): readonly unknown[];
}

function factsOf(
  epoch: bigint,
  laptops: { readonly outbound: Counted; readonly reverse: Counted },
  agents: { readonly inbound: Counted; readonly outbound: Counted },
): Facts {
  const owners = (a: Counted, b: Counted): string[] => [...new Set([...a.owners(), ...b.owners()])];
  return {
    epoch,
    laptops: owners(laptops.outbound, laptops.reverse).map((connectionUid) => ({
      $typeName: 'telepresence.v1.LaptopFact',
      connectionUid,
      reverseSessions: laptops.reverse.of(connectionUid).length,
      outboundSessions: laptops.outbound.of(connectionUid).length,
    })),
    agents: owners(agents.inbound, agents.outbound).map((podUid) => ({
      $typeName: 'telepresence.v1.AgentFact',
      podUid,
      inboundSessions: agents.inbound.of(podUid).length,
      outboundSessions: agents.outbound.of(podUid).length,
    })),
  };
}
