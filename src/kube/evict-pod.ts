import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { resources } from './resource.ts';

interface EvictOptions {
  readonly name: string;
  readonly namespace: string | undefined;
  /** Only the pod with this UID, not one that has its name by now. */
  readonly uid?: string;
  readonly signal: AbortSignal;
}

/**
 * Asks the API server to end a pod, which a PodDisruptionBudget may refuse; see
 * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/. Throws a KubeError.
 */
export async function evictPod(
  client: Pick<KubeClient, 'create'>,
  { name, namespace, uid, signal }: EvictOptions,
): Promise<void> {
  await client.create({
    resource: resources.pods,
    namespace,
    name,
    subresource: 'eviction',
    schema: v.unknown(),
    object: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      ...(uid === undefined ? {} : { deleteOptions: { preconditions: { uid } } }),
    },
    signal,
  });
}
