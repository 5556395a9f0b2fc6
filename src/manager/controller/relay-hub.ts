import type { ConnectRouter } from '@connectrpc/connect';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import {
  RelayLink,
  type AgentIdentity,
  type RelayDesired,
  type RelayFacts,
} from '#protocol/gen/telepresence_pb.ts';
import type { Connection } from '#protocol/resources.ts';
import type { PlannedIntercept } from '../state/served.ts';
import type { DialReviewed } from './dial-review.ts';
import type { PlannedVia } from '../state/via.ts';
import { createLatest } from './latest.ts';

/** What the relay is to serve. */
export interface Served {
  readonly connections: readonly Connection[];
  readonly intercepts: readonly PlannedIntercept[];
  readonly vias: readonly Pick<PlannedVia, 'connectionUid' | 'workload' | 'podUids'>[];
  readonly dialableSubnets: readonly string[];
  readonly refusedSubnets: readonly string[];
  /** Empty: the relay's own. */
  readonly logLevel: string;
  readonly ownNamespacesOnly: boolean;
}

type Message = Pick<
  RelayDesired,
  | 'epoch'
  | 'connections'
  | 'intercepts'
  | 'dialableSubnets'
  | 'refusedSubnets'
  | 'ownNamespacesOnly'
  | 'logLevel'
>;

/** Whose token that is, or why nobody's. */
export type Reviewed =
  | { readonly ok: true; readonly identity: AgentIdentity }
  | { readonly ok: false; readonly message: string };

/** The line to the relay, from this side. */
export interface RelayHub {
  /** Tells the relay; resolves when it has applied it, or after a second without it. */
  publish(served: Served, signal: AbortSignal): Promise<void>;
  /** Whether this relay has reverse sessions of that laptop. */
  isHere(connectionUid: string): boolean;
  serve(router: ConnectRouter): void;
}

const appliedMs = 1000;

/** A hub without a relay yet; `onChange` is called when a laptop comes or goes. */
export function createRelayHub(
  deps: {
    readonly log: Logger;
    readonly review: (token: string, signal: AbortSignal) => Promise<Reviewed>;
    readonly reviewDial: (
      asked: { readonly connectionUid: string; readonly address: string },
      signal: AbortSignal,
    ) => Promise<DialReviewed>;
  },
  onChange: () => void,
): RelayHub {
  const desired = createLatest<{ text: string; message: Message | undefined }>({
    text: '',
    message: undefined,
  });
  let live: ReadonlySet<string> = new Set();
  let applied = 0n;
  let connected = false;
  const heard = new EventTarget();

  const hear = (facts: RelayFacts): void => {
    applied = facts.epoch;
    const now = new Set(
      facts.laptops.filter((one) => one.reverseSessions > 0).map((one) => one.connectionUid),
    );
    const same = now.size === live.size && [...now].every((uid) => live.has(uid));
    live = now;
    heard.dispatchEvent(new Event('facts'));
    if (!same) onChange();
  };

  return {
    async publish(served, signal) {
      const text = JSON.stringify(messageOf(served, ''));
      if (text === desired.value.text) return;
      const epoch = (desired.value.message?.epoch ?? 0n) + 1n;
      desired.set({ text, message: messageOf(served, epoch) });
      if (connected) await waitFor(heard, () => applied >= epoch, signal);
    },
    isHere: (uid) => live.has(uid),
    serve(router) {
      router.service(RelayLink, {
        async *watchDesired(_request, { signal }) {
          connected = true;
          try {
            for await (const { message } of desired.follow(signal)) {
              if (message !== undefined) yield message;
            }
          } finally {
            deps.log.info('relay gone');
            connected = false;
            live = new Set();
            applied = 0n;
            onChange();
          }
        },
        reportFacts(facts) {
          hear(facts);
          return {};
        },
        async reviewDial({ connectionUid, address }, { signal }) {
          return await deps.reviewDial({ connectionUid, address }, signal);
        },
        async reviewAgent({ token }, { signal }) {
          try {
            const reviewed = await deps.review(token, signal);
            return reviewed.ok
              ? { authenticated: true, identity: reviewed.identity }
              : { authenticated: false, message: reviewed.message };
          } catch (error) {
            deps.log.warning('token not reviewed', { reason: describe(error) });
            throw error;
          }
        },
      });
    },
  };
}

function messageOf<E>(served: Served, epoch: E): Omit<Message, 'epoch'> & { epoch: E } {
  const { connections, intercepts, dialableSubnets, refusedSubnets, ownNamespacesOnly, logLevel } =
    served;
  return {
    epoch,
    connections: connections.map(({ metadata, spec }) => ({
      $typeName: 'telepresence.v1.RelayConnection',
      uid: metadata.uid,
      namespace: metadata.namespace,
      name: metadata.name,
      publicKey: spec.publicKey,
      via: served.vias
        .filter(({ connectionUid }) => connectionUid === metadata.uid)
        .map(({ workload, podUids }) => ({
          $typeName: 'telepresence.v1.RelayVia',
          workload,
          podUids: [...podUids],
        })),
    })),
    intercepts: intercepts.map((one) => ({
      $typeName: 'telepresence.v1.RelayIntercept',
      uid: one.uid,
      connectionUid: one.connectionUid,
      namespace: one.namespace,
      podUids: [...one.podUids],
      protocol: one.protocols[0],
      protocols: [...one.protocols],
    })),
    dialableSubnets: [...dialableSubnets],
    refusedSubnets: [...refusedSubnets],
    logLevel,
    ownNamespacesOnly,
  };
}

async function waitFor(
  events: EventTarget,
  isSo: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(appliedMs)]);
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!isSo() && !waiting.aborted) return;
      events.removeEventListener('facts', look);
      waiting.removeEventListener('abort', look);
      resolve();
    };
    events.addEventListener('facts', look);
    waiting.addEventListener('abort', look);
    look();
  });
}
