import type { AgentIdentity } from '#protocol/gen/telepresence_pb.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import type { ServerSession } from '#tunnel/server-session.ts';
import type { Facts } from './link.ts';
import { createSessionSets, type Member, type SessionSets } from './session-sets.ts';

/** An agent that can dial, and from where: an address of its pod. */
export type ReachableAgent = Pick<AgentIdentity, 'namespace' | 'podUid'> & {
  readonly address: string;
};

/** Everyone who is connected, by role: laptops by their Connection's UID, agents by their pod's. */
export interface Everyone {
  readonly laptops: {
    readonly control: SessionSets<Member>;
    readonly outbound: SessionSets<ServerSession>;
    readonly reverse: SessionSets<ClientSession>;
  };
  readonly agents: {
    readonly control: SessionSets<Member>;
    readonly inbound: SessionSets<ServerSession>;
    readonly outbound: SessionSets<ClientSession>;
  };
  /** Agents that can dial now, by pod. */
  reachableAgents(): ReadonlyMap<string, ReachableAgent>;
  /** Remembers whose an outbound session is, for as long as it lives. */
  introduce(agent: ReachableAgent, session: Pick<ClientSession, 'closed'>): void;
  facts(epoch: bigint): Facts;
  endLaptop(connectionUid: string, reason: Error): void;
  endAll(reason: Error): void;
}

/** Nobody yet; `onChange` is called when what `facts` tells has changed. */
export function createEveryone(onChange: () => void): Everyone {
  const laptops = {
    control: createSessionSets<Member>(() => {}),
    outbound: createSessionSets<ServerSession>(onChange),
    reverse: createSessionSets<ClientSession>(onChange),
  };
  const agents = {
    control: createSessionSets<Member>(() => {}),
    inbound: createSessionSets<ServerSession>(onChange),
    outbound: createSessionSets<ClientSession>(onChange),
  };
  const known = new Map<string, ReachableAgent>();
  return {
    laptops,
    agents,
    reachableAgents: () =>
      new Map([...known].filter(([podUid]) => agents.outbound.of(podUid).length > 0)),
    introduce(agent, session) {
      known.set(agent.podUid, agent);
      void session.closed.then(() => {
        if (agents.outbound.of(agent.podUid).length === 0) known.delete(agent.podUid);
      });
    },
    facts: (epoch) => ({
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
    }),
    endLaptop(connectionUid, reason) {
      for (const sets of Object.values(laptops)) sets.end(connectionUid, reason);
    },
    endAll(reason) {
      for (const sets of [...Object.values(laptops), ...Object.values(agents)]) {
        sets.endAll(reason);
      }
    },
  };
}

interface Owned {
  owners(): Iterable<string>;
}

function owners(a: Owned, b: Owned): string[] {
  return [...new Set([...a.owners(), ...b.owners()])];
}
