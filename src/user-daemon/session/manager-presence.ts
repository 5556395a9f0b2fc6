import * as v from 'valibot';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';

/** Whether there is a traffic-manager that could answer. `unknown`: we may not look. */
export type ManagerPresence =
  | { readonly kind: 'ready' | 'absent' | 'unknown' }
  | { readonly kind: 'notReady'; readonly why: string };

/** The manager's Service, and the label of its pods. */
export const managerService = 'traffic-manager';
const podLabel = 'app=traffic-manager';

const podSchema = v.looseObject({
  metadata: v.looseObject({ name: v.string(), deletionTimestamp: v.optional(v.string()) }),
  status: v.optional(
    v.looseObject({
      phase: v.optional(v.string(), 'Unknown'),
      conditions: v.optional(v.array(v.looseObject({ type: v.string(), status: v.string() })), []),
      containerStatuses: v.optional(
        v.array(
          v.looseObject({
            state: v.optional(
              v.looseObject({
                waiting: v.optional(
                  v.looseObject({
                    reason: v.optional(v.string(), ''),
                    message: v.optional(v.string(), ''),
                  }),
                ),
              }),
            ),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
});
type ManagerPod = v.InferOutput<typeof podSchema>;

/** Looks at the manager's Service and pods, so that a wait for it is no guess. */
export async function managerPresence(
  client: Pick<KubeClient, 'find' | 'list'>,
  options: { readonly namespace: string; readonly signal: AbortSignal },
): Promise<ManagerPresence> {
  const { namespace, signal } = options;
  try {
    const service = await client.find({
      resource: resources.services,
      namespace,
      name: managerService,
      schema: kubeObjectSchema,
      signal,
    });
    if (service === undefined) return { kind: 'absent' };
  } catch (error) {
    if (isKubeError(error, 'Forbidden')) return { kind: 'unknown' };
    throw error;
  }
  try {
    const { items } = await client.list({
      resource: resources.pods,
      namespace,
      labelSelector: podLabel,
      schema: podSchema,
      signal,
    });
    return judge(items);
  } catch (error) {
    if (isKubeError(error, 'Forbidden')) return { kind: 'unknown' };
    throw error;
  }
}

function judge(pods: readonly ManagerPod[]): ManagerPresence {
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (alive.some(isReady)) return { kind: 'ready' };
  const [pod] = alive;
  if (pod === undefined) return { kind: 'notReady', why: 'it has no pods' };
  const waiting = pod.status.containerStatuses
    .map(({ state }) => state?.waiting)
    .find((state) => state !== undefined);
  const state =
    waiting === undefined
      ? pod.status.phase
      : [waiting.reason, waiting.message].filter((text) => text !== '').join(': ');
  return { kind: 'notReady', why: `pod ${pod.metadata.name} is ${state}` };
}

function isReady({ status }: ManagerPod): boolean {
  return status.conditions.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
}
