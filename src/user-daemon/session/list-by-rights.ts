import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { agentRequestAnnotation, injectAnnotations } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { orAborted } from '#kube/or-aborted.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { watchResources } from '#kube/watch.ts';
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
    const [, ...lists] = await Promise.all([
      mustExist(client, namespace, signal),
      ...kinds.map(async (resource) => {
        const { items } = await client.list({
          resource,
          namespace,
          schema: workloadSchema,
          signal,
        });
        return seenOf(items, resource, namespace);
      }),
    ]);
    return lists.flat();
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** Tells of the same, now and after each change, until `signal` aborts. */
export async function followByRights(
  deps: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: Logger;
  },
  options: { readonly namespace: string; readonly signal: AbortSignal },
  onWorkloads: (workloads: readonly SeenWorkload[]) => void,
): Promise<void> {
  const { namespace, signal } = options;
  await using stack = new AsyncDisposableStack();
  let complete = false;
  const tell = (): void => {
    if (!complete) return;
    onWorkloads(watches.flatMap(({ of, watch }) => seenOf(watch.store.values(), of, namespace)));
  };
  const watched = { namespace, schema: workloadSchema, onChange: tell, signal };
  const watches = kinds.map((of) => ({
    of,
    watch: stack.use(watchResources(deps, { ...watched, resource: of })),
  }));
  try {
    await Promise.all([
      mustExist(deps.client, namespace, signal),
      ...watches.map(async ({ watch }) => await watch.synced(signal)),
    ]);
    complete = true;
    tell();
    await orAborted(new Promise<never>(() => {}), signal);
  } catch (error) {
    if (!signal.aborted) throw clusterFailure(error);
  }
}

async function mustExist(
  client: Pick<KubeClient, 'find' | 'access'>,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await client.find({
    resource: resources.namespaces,
    name: namespace,
    schema: kubeObjectSchema,
    signal,
  });
  if (found !== undefined) return;
  throw new UserDaemonError('NamespaceNotFound', `no namespace ${namespace}`, {
    facts: { namespace, context: client.access.context },
  });
}

type Item = v.InferOutput<typeof workloadSchema>;

function isPart({ metadata }: Item): boolean {
  return metadata.ownerReferences.some(
    ({ kind, controller }) => controller && (kind === 'Deployment' || kind === 'StatefulSet'),
  );
}

function seenOf(items: Iterable<Item>, resource: Resource, namespace: string): SeenWorkload[] {
  return [...items].filter((item) => !isPart(item)).map((item) => seen(item, resource, namespace));
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
