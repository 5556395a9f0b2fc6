import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { connection, intercept, type Connection, type Intercept } from '#protocol/resources.ts';
import type { Plan } from '../state/plan.ts';
import * as own from './resources.ts';
import { createStatusWriter } from './status-writer.ts';
import { deleteExpired, deleteOrphan } from './sweep.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'patch' | 'find' | 'delete'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly onRetry: () => void;
}

/** What a plan leads to in our own objects. */
export interface Writing {
  /** The newest that is known of each. */
  connections(watched: Iterable<Connection>): Connection[];
  intercepts(watched: Iterable<Intercept>): Intercept[];
  /** Only what this replica says of itself: whoever holds the Lease writes the rest. */
  presence(next: Plan): void;
  /** Everything. While `settling`, laptops and agents may not have come back yet: nobody is called gone. */
  all(next: Plan, options: { readonly settling: boolean }): void;
  /** Deletes what has ended. */
  sweep(next: Plan): Promise<void>;
}

/** Writes with one hand for each object. */
export function createWriting(deps: Deps, signal: AbortSignal): Writing {
  const connections = createStatusWriter(deps, {
    resource: own.connections,
    schema: connection,
    signal,
  });
  const intercepts = createStatusWriter(deps, {
    resource: own.intercepts,
    schema: intercept,
    signal,
  });
  const presence: Writing['presence'] = (next) => {
    for (const [object, status] of next.presence) connections.write(object, status);
  };
  return {
    connections: (watched) => connections.freshest(watched),
    intercepts: (watched) => intercepts.freshest(watched),
    presence,
    all(next, { settling }) {
      for (const [object, status] of next.connectionStatus) {
        if (settling && status.state === 'Disconnected') continue;
        connections.write(object, status);
      }
      for (const [object, status] of next.interceptStatus) {
        // Its agents may only not have come here yet.
        const worse = status.state === 'Waiting' && object.status.state === 'Active';
        if (settling && (worse || status.state === 'Disconnected')) continue;
        intercepts.write(object, status);
      }
    },
    async sweep(next) {
      const ends = [
        ...next.expired.map(async (one) => await deleteExpired(deps, one, signal)),
        ...next.orphaned.map(async (one) => await deleteOrphan(deps, one, signal)),
      ];
      for (const end of await Promise.allSettled(ends)) {
        if (end.status === 'rejected' && !signal.aborted) {
          deps.log.warning('not deleted', { reason: describe(end.reason) });
        }
      }
    },
  };
}
