import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import {
  connection as connectionSchema,
  intercept as interceptSchema,
  type Connection,
} from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { connections, intercepts } from './kinds.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'list' | 'delete'>;
  readonly log: Logger;
}

interface Options {
  readonly namespace: string;
  /** Our own Connection, and what tells that another one was ours. */
  readonly uid: string;
  readonly user: string;
  readonly installId: string;
  readonly signal: AbortSignal;
}

/**
 * Removes what an earlier daemon of this installation left when it was killed: its key died with
 * it, so nobody can ever prove those Connections again.
 */
export async function removeStaleConnections(deps: Deps, options: Options): Promise<void> {
  const { namespace, signal } = options;
  try {
    const found = await deps.client.list({
      resource: connections,
      namespace,
      schema: connectionSchema,
      signal,
    });
    const stale = found.items.filter((each) => isStale(each, options));
    if (stale.length === 0) return;
    const uids = new Set(stale.map(({ metadata }) => metadata.uid));
    const { items } = await deps.client.list({
      resource: intercepts,
      namespace,
      schema: interceptSchema,
      signal,
    });
    // Intercepts first, or each would be without its Connection for a moment.
    for (const { metadata, spec } of items) {
      if (!uids.has(spec.connection.uid)) continue;
      const { name, uid } = metadata;
      await deps.client.delete({ resource: intercepts, namespace, name, uid, signal });
    }
    for (const { metadata } of stale) {
      const { name, uid } = metadata;
      await deps.client.delete({ resource: connections, namespace, name, uid, signal });
      deps.log.info('stale connection removed', { name });
    }
  } catch (error) {
    // They end by themselves after a day.
    deps.log.debug('stale connections not removed', { reason: describe(error) });
  }
}

function isStale({ metadata, spec, status }: Connection, options: Options): boolean {
  return (
    metadata.uid !== options.uid &&
    spec.installId === options.installId &&
    spec.user === options.user &&
    status.state === 'Disconnected'
  );
}
