import * as v from 'valibot';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import type { Connection, Intercept } from '#protocol/resources.ts';
import { connection as connectionSchema } from '#protocol/resources.ts';
import { connections, intercepts } from './resources.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'find' | 'delete'>;
  readonly log: Logger;
}

const named = v.object({
  metadata: connectionSchema.entries.metadata,
  spec: connectionSchema.entries.spec,
});

/** Deletes a Connection whose time is over. */
export async function deleteExpired(
  deps: Deps,
  { metadata }: Connection,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  await deps.client.delete({ resource: connections, namespace, name, uid, signal });
  deps.log.info('connection expired', { connection: name, namespace });
}

/**
 * Deletes an Intercept without a Connection of its own user. The Connection is looked for once more:
 * the two come through different watches.
 */
export async function deleteOrphan(
  deps: Deps,
  { metadata, spec }: Intercept,
  signal: AbortSignal,
): Promise<void> {
  const owner = await deps.client.find({
    resource: connections,
    namespace: spec.connection.namespace,
    name: spec.connection.name,
    schema: named,
    signal,
  });
  if (owner?.metadata.uid === spec.connection.uid && owner.spec.user === spec.user) return;
  const { name, namespace, uid } = metadata;
  await deps.client.delete({ resource: intercepts, namespace, name, uid, signal });
  deps.log.info('intercept without connection deleted', { intercept: name, namespace });
}
