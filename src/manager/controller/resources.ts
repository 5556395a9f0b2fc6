import type { Resource } from '#kube/resource.ts';
import { group, version, type WorkloadKind } from '#protocol/resources.ts';
import { resources } from '#kube/resource.ts';

const own = { group, version, namespaced: true } as const;

/** Our own kinds, as the API server's paths know them. */
export const connections: Resource = { ...own, plural: 'connections', kind: 'Connection' };
export const intercepts: Resource = { ...own, plural: 'intercepts', kind: 'Intercept' };

const workloads = {
  Deployment: resources.deployments,
  ReplicaSet: resources.replicaSets,
  StatefulSet: resources.statefulSets,
  Rollout: resources.rollouts,
} as const satisfies Record<WorkloadKind, Resource>;

/** The resource of a workload's kind. */
export function workloadResource(kind: WorkloadKind): Resource {
  return workloads[kind];
}
