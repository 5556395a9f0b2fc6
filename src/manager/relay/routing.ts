import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { createOpenEcho } from '#host/ping-socket.ts';
import { leastBusy } from '#tunnel/connection-set.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import { dialersFor } from './choose-dialer.ts';
import type { Desired } from './desired.ts';
import type { Everyone } from './everyone.ts';
import type { LivenessBoard } from './liveness-board.ts';
import type { Datagrams } from './outbound.ts';

/** Where flows and calls can go on: what is wanted, and who is there for it. */
export interface Routing {
  readonly log: Logger;
  readonly clock: Clock;
  readonly desired: () => Desired | undefined;
  /** Why a laptop may not dial an address; undefined when it may. */
  readonly reviewDial: (
    connectionUid: string,
    host: string,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** Sessions to agents that may dial that address for a Connection, the best group first. */
  readonly dialers: (connectionUid: string, host: string) => readonly (readonly ClientSession[])[];
  /** Every session to the agent of one pod. */
  readonly sessionsOf: (podUid: string) => readonly ClientSession[];
  /** Which of the pods may dial an address: none its own, by which it would pass its own rules. */
  readonly othersThan: (podUids: readonly string[], host: string) => readonly string[];
  /** How datagrams are sent from here, where no agent is there to do it. */
  readonly datagrams: Datagrams;
  /** Sessions on which flows can be opened towards a laptop. */
  readonly reverse: (connectionUid: string) => readonly ClientSession[];
  /** How long a laptop may take to answer; undefined before its first sign of life. */
  readonly patienceMs: (connectionUid: string) => number | undefined;
  /** The outbound session of a pod's agent. */
  readonly agentOf: (podUid: string) => ClientSession | undefined;
}

/** Routing over those who are connected. */
export function createRouting(deps: {
  readonly log: Logger;
  readonly clock: Clock;
  readonly desired: () => Desired | undefined;
  readonly everyone: Everyone;
  readonly board: LivenessBoard;
  readonly reviewDial: Routing['reviewDial'];
}): Routing {
  const { everyone, board } = deps;
  const { laptops, agents } = everyone;
  return {
    log: deps.log,
    clock: deps.clock,
    desired: deps.desired,
    reviewDial: deps.reviewDial,
    dialers(uid, host) {
      const desired = deps.desired();
      if (desired === undefined) return [];
      const groups = dialersFor(desired, everyone.reachableAgents(), { connectionUid: uid, host });
      return groups.map((pods) => pods.flatMap((podUid) => agents.outbound.of(podUid)));
    },
    datagrams: {
      udp: createDatagramDialer({ clock: deps.clock, open: openUdp }),
      echo: createDatagramDialer({ clock: deps.clock, open: createOpenEcho() }),
    },
    sessionsOf: (podUid) => agents.outbound.of(podUid),
    othersThan(podUids, host) {
      const reachable = everyone.reachableAgents();
      return podUids.filter((podUid) => reachable.get(podUid)?.address !== host);
    },
    reverse: (uid) => laptops.reverse.of(uid),
    patienceMs: (uid) => board.patienceMs(uid),
    agentOf: (podUid) => leastBusy(agents.outbound.of(podUid)),
  };
}
