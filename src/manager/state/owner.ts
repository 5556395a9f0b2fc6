import { workloadKinds, type WorkloadKind } from '#protocol/resources.ts';
import type { PodObject, WorkloadObject } from './cluster-objects.ts';
import type { ClusterView, Workload } from './view.ts';

type Owned = Pick<PodObject | WorkloadObject, 'metadata'>;

/** The reference to the controller that made an object, or undefined for one that stands alone. */
export function controllerOf(
  object: Owned,
): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return object.metadata.ownerReferences.find((owner) => owner.controller);
}

/**
 * The workload that a pod belongs to: pod → ReplicaSet → Deployment or Rollout, pod → StatefulSet, or
 * the ReplicaSet itself where nothing that we know owns it. A reference counts only with its UID.
 */
export function workloadOfPod(view: ClusterView, pod: Owned): Workload | undefined {
  const owner = controllerOf(pod);
  const first = owner && resolve(view, pod.metadata.namespace, owner);
  if (first?.kind !== 'ReplicaSet') return first;
  const above = controllerOf(first.object);
  if (above === undefined) return first;
  return resolve(view, pod.metadata.namespace, above) ?? first;
}

function resolve(
  view: ClusterView,
  namespace: string,
  owner: { readonly kind: string; readonly name: string; readonly uid: string },
): Workload | undefined {
  const kind = workloadKinds.find((known) => known === owner.kind);
  if (kind === undefined) return undefined;
  const workload = view.workload(namespace, kind, owner.name);
  return workload?.object.metadata.uid === owner.uid ? workload : undefined;
}

/** The workload of another kind whose part this one is: the Deployment of a ReplicaSet. */
export function ownerOf(
  { interceptable }: Pick<ClusterView, 'interceptable'>,
  { object }: Workload,
): { readonly kind: WorkloadKind; readonly name: string } | undefined {
  const owner = controllerOf(object);
  if (owner === undefined) return undefined;
  // Where Rollouts are not ours to change, their ReplicaSets can be intercepted.
  const kinds: readonly WorkloadKind[] = interceptable.kinds.includes('Rollout')
    ? ['Deployment', 'StatefulSet', 'Rollout']
    : ['Deployment', 'StatefulSet'];
  const kind = kinds.find((one) => one === owner.kind);
  return kind === undefined ? undefined : { kind, name: owner.name };
}

/** The pods of a workload that are neither ending nor ended. */
export function podsOf(view: ClusterView, workload: Workload): PodObject[] {
  return runningPodsOf(view, workload).filter((pod) => !isEnding(pod));
}

/** Whether a pod is to go; it still answers who finds it for a moment. */
export function isEnding(pod: PodObject): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** The pods of a workload that have not ended. */
export function runningPodsOf(view: ClusterView, { kind, object }: Workload): PodObject[] {
  const { uid } = object.metadata;
  const owners =
    kind === 'Deployment' || kind === 'Rollout'
      ? view.replicaSetsOwnedBy(uid).map((one) => one.metadata.uid)
      : [uid];
  return owners
    .flatMap((owner) => view.podsOwnedBy(owner))
    .filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed');
}

/** Whether a pod takes requests from its Services. */
export function isReady(pod: PodObject): boolean {
  return pod.status.conditions.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
}

/** `Deployment hello`, as people read it. */
export function nameOf(workload: {
  readonly kind: WorkloadKind;
  readonly object: WorkloadObject;
}): string {
  return `${workload.kind} ${workload.object.metadata.name}`;
}
