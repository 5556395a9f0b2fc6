import * as v from 'valibot';
import { describe } from '#base/errors.ts';
import { agentConfigVariable } from '#protocol/agent-config.ts';
import { injectionWish } from '#protocol/injection-wish.ts';
import { agentContainer, agentRequestAnnotation, fieldManager } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { evictPod } from '#kube/evict-pod.ts';
import { kubeObjectSchema, objectMetaSchema } from '#kube/objects.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { waitUntilGone, type WaitDeps } from '#kube/wait-ready.ts';

const goneMs = 90_000;

interface Scope {
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly warn: (line: string) => void;
  readonly signal: AbortSignal;
}

const owned = {
  ...objectMetaSchema.entries,
  ownerReferences: v.optional(
    v.array(
      v.looseObject({
        kind: v.string(),
        name: v.string(),
        controller: v.optional(v.boolean(), false),
      }),
    ),
    [],
  ),
};
const annotated = v.looseObject({
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});
const templateSchema = v.looseObject({
  metadata: v.looseObject(owned),
  spec: v.looseObject({
    // A Rollout may take another workload's.
    template: v.optional(v.looseObject({ metadata: v.optional(annotated, {}) }), {}),
  }),
});
type Templated = v.InferOutput<typeof templateSchema>;
const podSchema = v.looseObject({
  metadata: v.looseObject(owned),
  spec: v.looseObject({
    initContainers: v.optional(
      v.array(
        v.looseObject({
          name: v.string(),
          env: v.optional(v.array(v.looseObject({ name: v.string() })), []),
        }),
      ),
      [],
    ),
  }),
});
type Pod = v.InferOutput<typeof podSchema>;

/** Kinds whose pods are made anew by themselves when the template changes. */
const rolling = [resources.deployments, resources.statefulSets, resources.rollouts] as const;

/**
 * Takes the agents out of all pods; no webhook puts them into new ones any more. Deployments and
 * StatefulSets roll, also those whose owner asked for an agent; pods of a ReplicaSet are evicted one
 * by one; of every other pod it is said that it keeps its agent, which passes everything to the app.
 */
export async function removeAgents(deps: WaitDeps, scope: Scope): Promise<void> {
  for (const resource of [...rolling, resources.replicaSets]) {
    for (const workload of await templatesOf(deps.client, resource, scope)) {
      await takeBack(deps.client, { resource, workload }, scope.signal);
    }
  }
  const sets = await templatesOf(deps.client, resources.replicaSets, scope);
  const bare = new Set(sets.filter(({ metadata }) => !isControlled(metadata)).map(keyOf));
  const pods = await listIn(deps.client, { resource: resources.pods, schema: podSchema }, scope);
  for (const pod of pods.filter(hasAgent)) {
    const { name, namespace, ownerReferences } = pod.metadata;
    const controller = ownerReferences.find((owner) => owner.controller);
    const rolls = controller?.kind === 'ReplicaSet' || controller?.kind === 'StatefulSet';
    if (rolls && !bare.has(`${namespace ?? ''}/${controller.name}`)) continue;
    const why = rolls
      ? await evict(deps, pod, scope.signal)
      : 'nothing makes it anew when it is deleted';
    if (why === undefined) continue;
    scope.warn(
      `pod ${namespace ?? ''}/${name} keeps its traffic-agent, which passes everything to the app, until it is made anew (${why})`,
    );
  }
}

/** Workloads of one kind; none where the cluster has no such kind, as most have no Rollouts. */
async function templatesOf(
  client: KubeClient,
  resource: Resource,
  scope: Scope,
): Promise<readonly Templated[]> {
  try {
    return await listIn(client, { resource, schema: templateSchema }, scope);
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return [];
    // Whoever may not see them has not let the manager change them either.
    if (resource === resources.rollouts && isKubeError(error, 'Forbidden')) return [];
    throw error;
  }
}

/** Objects of one kind in the scope; those of namespaces that are gone are gone too. */
export async function listIn<T>(
  client: KubeClient,
  what: { readonly resource: Resource; readonly schema: v.GenericSchema<unknown, T> },
  { namespaces, signal }: Pick<Scope, 'namespaces' | 'signal'>,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (const namespace of namespaces ?? [undefined]) {
    found.push(...(await client.list({ ...what, namespace, signal })).items);
  }
  return found;
}

/** One change of the template, so that its pods are made anew only once. */
async function takeBack(
  client: KubeClient,
  { resource, workload }: { readonly resource: Resource; readonly workload: Templated },
  signal: AbortSignal,
): Promise<void> {
  const { metadata, spec } = workload;
  // What a Deployment has made is its own.
  if (isControlled(metadata)) return;
  const { annotations } = spec.template.metadata;
  const asked = annotations[agentRequestAnnotation] !== undefined;
  const wished = injectionWish(annotations) === 'enabled';
  if (!asked && !wished) return;
  const change = {
    ...(asked ? { [agentRequestAnnotation]: null } : {}),
    // The owner's own annotation stays: it means the next traffic-manager.
    ...(wished && resource !== resources.replicaSets
      ? { 'telepresence.io/restartedAt': new Date().toISOString() }
      : {}),
  };
  if (Object.keys(change).length === 0) return;
  await client.patch({
    resource,
    name: metadata.name,
    namespace: metadata.namespace,
    schema: kubeObjectSchema,
    type: 'merge',
    patch: { spec: { template: { metadata: { annotations: change } } } },
    fieldManager,
    signal,
  });
}

/** Nothing when the pod is gone, else why it is not. */
async function evict(deps: WaitDeps, pod: Pod, signal: AbortSignal): Promise<string | undefined> {
  const { name, namespace } = pod.metadata;
  try {
    await evictPod(deps.client, { name, namespace, signal });
    const where = namespace === undefined ? {} : { namespace };
    const resource = resources.pods;
    await waitUntilGone(deps, { ...where, resource, name, deadlineMs: goneMs, signal });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return isKubeError(error, 'NotFound') ? undefined : describe(error);
  }
}

function hasAgent({ spec }: Pod): boolean {
  return spec.initContainers.some(
    ({ name, env }) =>
      name === agentContainer && env.some((variable) => variable.name === agentConfigVariable),
  );
}

function isControlled({ ownerReferences }: Templated['metadata']): boolean {
  return ownerReferences.some(({ controller }) => controller);
}

function keyOf({ metadata }: Templated): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
