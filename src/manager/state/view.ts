import { workloadKinds, type WorkloadKind } from '#protocol/resources.ts';
import type { PodObject, ServiceObject, WorkloadObject } from './cluster-objects.ts';

/** A workload with its kind, which an object in a list does not say itself. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly object: WorkloadObject;
}

/** Kinds of workloads, and whether each must have asked for it by annotation. */
export interface Interceptable {
  readonly kinds: readonly WorkloadKind[];
  readonly onlyEnabled: boolean;
}

/** What the decisions read of the cluster. */
export interface ClusterView {
  /** What the administrator allows to be intercepted. */
  readonly interceptable: Interceptable;
  /** Workloads of that name in the namespace, of every kind. */
  workloadsNamed(namespace: string, name: string): readonly Workload[];
  workload(namespace: string, kind: WorkloadKind, name: string): Workload | undefined;
  workloadsIn(namespace: string): readonly Workload[];
  servicesIn(namespace: string): readonly ServiceObject[];
  /** Pods whose controller has this UID. */
  podsOwnedBy(uid: string): readonly PodObject[];
  /** ReplicaSets whose controller has this UID. */
  replicaSetsOwnedBy(uid: string): readonly WorkloadObject[];
}

interface Listed {
  readonly deployments: Iterable<WorkloadObject>;
  readonly replicaSets: Iterable<WorkloadObject>;
  readonly statefulSets: Iterable<WorkloadObject>;
  readonly rollouts?: Iterable<WorkloadObject>;
  readonly services: Iterable<ServiceObject>;
  readonly pods: Iterable<PodObject>;
  readonly interceptable?: Interceptable;
}

/** A view over lists, indexed once by namespace and name. */
export function clusterView(lists: Listed): ClusterView {
  const workloads = new Map<string, Workload[]>();
  const byKey = new Map<string, Workload>();
  const add = (kind: WorkloadKind, objects: Iterable<WorkloadObject>): void => {
    for (const object of objects) {
      const workload: Workload = { kind, object };
      push(workloads, object.metadata.namespace, workload);
      byKey.set(`${object.metadata.namespace}/${kind}/${object.metadata.name}`, workload);
    }
  };
  add('Deployment', lists.deployments);
  add('StatefulSet', lists.statefulSets);
  add('Rollout', lists.rollouts ?? []);
  add('ReplicaSet', lists.replicaSets);
  const services = grouped(lists.services);
  const pods = byController(lists.pods);
  const replicaSets = byController([...lists.replicaSets]);
  return {
    interceptable: lists.interceptable ?? { kinds: workloadKinds, onlyEnabled: false },
    workloadsNamed: (namespace, name) =>
      workloadKinds.flatMap((kind) => byKey.get(`${namespace}/${kind}/${name}`) ?? []),
    workload: (namespace, kind, name) => byKey.get(`${namespace}/${kind}/${name}`),
    workloadsIn: (namespace) => workloads.get(namespace) ?? [],
    servicesIn: (namespace) => services.get(namespace) ?? [],
    podsOwnedBy: (uid) => pods.get(uid) ?? [],
    replicaSetsOwnedBy: (uid) => replicaSets.get(uid) ?? [],
  };
}

function grouped<T extends { readonly metadata: { readonly namespace: string } }>(
  objects: Iterable<T>,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects) push(groups, object.metadata.namespace, object);
  return groups;
}

function byController<T extends Pick<PodObject, 'metadata'>>(
  objects: Iterable<T>,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const owner = object.metadata.ownerReferences.find((one) => one.controller);
    if (owner !== undefined) push(groups, owner.uid, object);
  }
  return groups;
}

function push<T>(groups: Map<string, T[]>, key: string, value: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}
