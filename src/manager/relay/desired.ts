import type { DialPolicy } from '#protocol/dial-policy.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type {
  RelayConnection,
  RelayDesired,
  RelayIntercept,
} from '#protocol/gen/telepresence_pb.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';

/** An Intercept whose flows may be opened, by whose agents, towards which laptop. */
export interface ServedIntercept {
  readonly uid: string;
  readonly connectionUid: string;
  readonly podUids: ReadonlySet<string>;
  /** What its flows carry. */
  readonly kinds: ReadonlySet<IncomingFlow['kind']>;
}

/** What the controller wants served, indexed. */
export interface Desired {
  readonly epoch: bigint;
  readonly connections: ReadonlyMap<string, RelayConnection>;
  readonly intercepts: ReadonlyMap<string, ServedIntercept>;
  readonly policy: DialPolicy;
  /** Each dial is asked for: client.outbound is `namespaces`. */
  readonly ownNamespacesOnly: boolean;
  /** The Connection of that name; undefined when there is none. */
  named(namespace: string, name: string): RelayConnection | undefined;
}

/** Indexes what came over the link; `own` are this process's addresses. */
export function desiredOf(message: RelayDesired, own: readonly string[]): Desired {
  const connections = new Map(message.connections.map((one) => [one.uid, one]));
  const byName = new Map(
    message.connections.map((one) => [`${one.namespace}/${one.name}`, one] as const),
  );
  const intercepts = new Map(message.intercepts.map((one) => [one.uid, servedIntercept(one)]));
  return {
    epoch: message.epoch,
    connections,
    intercepts,
    policy: {
      subnets: subnets(...message.dialableSubnets),
      never: subnets(...message.refusedSubnets, ...own),
    },
    ownNamespacesOnly: message.ownNamespacesOnly,
    named: (namespace, name) => byName.get(`${namespace}/${name}`),
  };
}

function servedIntercept({
  uid,
  connectionUid,
  podUids,
  protocol,
  protocols,
}: RelayIntercept): ServedIntercept {
  const all = protocols.length === 0 ? [protocol] : protocols;
  const kinds = new Set(all.map((one) => (one === 'UDP' ? 'udp' : 'tcp')));
  return { uid, connectionUid, podUids: new Set(podUids), kinds };
}
