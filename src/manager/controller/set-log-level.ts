import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { LogLevel } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { fieldManager, type Connection } from '#protocol/resources.ts';
import { connections } from './resources.ts';

/**
 * Writes into the status of a Connection what its user wants logged: every replica watches it, tells
 * its relay and its agents, and it ends with the Connection.
 */
export async function setLogLevel(
  deps: { readonly client: Pick<KubeClient, 'patch'>; readonly clock: Pick<Clock, 'now'> },
  { metadata }: Pick<Connection, 'metadata'>,
  wanted: { readonly level: LogLevel; readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  const { namespace, name, uid } = metadata;
  const { level, ms, signal } = wanted;
  const until = ms === 0 ? null : new Date(deps.clock.now() + ms).toISOString();
  await deps.client.patch({
    resource: connections,
    namespace,
    name,
    subresource: 'status',
    type: 'merge',
    patch: { metadata: { uid }, status: { logLevel: { level, until } } },
    schema: v.unknown(),
    fieldManager,
    signal,
  });
}
