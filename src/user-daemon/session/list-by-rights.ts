import * as v from 'valibot';
import { agentRequestAnnotation, injectAnnotations } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';

/** A workload, as far as its own object tells. */
export interface SeenWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly uid: string;
  readonly notInterceptableReason: string;
  readonly agentInstalled: boolean;
  /** Who else intercepts it is the manager's to say. */
  readonly heldBy: [];
}

const workloadSchema = v.looseObject({
  metadata: v.looseObject({
    name: v.string(),
    uid: v.string(),
    ownerReferences: v.optional(
      v.array(v.looseObject({ kind: v.string(), controller: v.optional(v.boolean(), false) })),
      [],
    ),
  }),
  spec: v.looseObject({
    template: v.looseObject({
      metadata: v.optional(
        v.looseObject({ annotations: v.optional(v.record(v.string(), v.string()), {}) }),
        {},
      ),
    }),
  }),
});

const kinds: readonly Resource[] = [
  resources.deployments,
  resources.statefulSets,
  resources.replicaSets,
];

/** The workloads of any namespace, read with the user's own rights. */
export async function listByRights(
  client: Pick<KubeClient, 'find' | 'list' | 'access'>,
  namespace: string,
  signal: AbortSignal,
): Promise<SeenWorkload[]> {
  try {
    const [found, ...lists] = await Promise.all([
      client.find({
        resource: resources.namespaces,
        name: namespace,
        schema: kubeObjectSchema,
        signal,
      }),
      ...kinds.map(async (resource) => {
        const { items } = await client.list({
          resource,
          namespace,
          schema: workloadSchema,
          signal,
        });
        return items.filter((item) => !isPart(item)).map((item) => seen(item, resource, namespace));
      }),
    ]);
    if (found === undefined) {
      throw new UserDaemonError('NamespaceNotFound', `no namespace ${namespace}`, {
        facts: { namespace, context: client.access.context },
      });
    }
    return lists.flat();
  } catch (error) {
    throw clusterFailure(error);
  }
}

type Item = v.InferOutput<typeof workloadSchema>;

function isPart({ metadata }: Item): boolean {
  return metadata.ownerReferences.some(
    ({ kind, controller }) => controller && (kind === 'Deployment' || kind === 'StatefulSet'),
  );
}

function seen({ metadata, spec }: Item, { kind }: Resource, namespace: string): SeenWorkload {
  const { annotations } = spec.template.metadata;
  const wishes = injectAnnotations.map((name) => annotations[name]);
  return {
    namespace,
    name: metadata.name,
    kind,
    uid: metadata.uid,
    notInterceptableReason: '',
    heldBy: [],
    agentInstalled: annotations[agentRequestAnnotation] !== undefined || wishes.includes('enabled'),
  };
}
