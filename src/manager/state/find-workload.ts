import { suggest } from '#base/suggest.ts';
import { injectionWish } from '#protocol/injection-wish.ts';
import type { InterceptSpec } from '#protocol/resources.ts';
import { controllerOf, nameOf, ownerOf } from './owner.ts';
import { found, refused, type Outcome } from './refusal.ts';
import type { ClusterView, Workload } from './view.ts';

/** The workload that is asked for. A ReplicaSet of a Deployment is never one by itself. */
export function findWorkload(
  view: ClusterView,
  namespace: string,
  spec: Pick<InterceptSpec, 'workload'>,
): Outcome<Workload> {
  const { name, kind } = spec.workload;
  const named = view
    .workloadsNamed(namespace, name)
    .filter((workload) => kind === undefined || workload.kind === kind);
  const [first, second] = named;
  if (first === undefined) {
    return refused(
      'WorkloadNotFound',
      `no ${kind ?? 'Deployment, StatefulSet or ReplicaSet'} named ${name} in namespace ${namespace}${nearest(view, namespace, name)}`,
    );
  }
  if (second !== undefined) {
    return refused(
      'WorkloadAmbiguous',
      `${name} is the name of more than one workload in namespace ${namespace}: ${named.map(nameOf).join(', ')}`,
    );
  }
  return found(first);
}

/** What whoever mistyped may have meant; ReplicaSets are mostly a Deployment's. */
function nearest(view: ClusterView, namespace: string, name: string): string {
  const names = view
    .workloadsIn(namespace)
    .filter(({ object }) => controllerOf(object) === undefined)
    .map(({ object }) => object.metadata.name);
  const [near] = suggest(name, names);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Whether agents may be in this workload's pods at all. */
export function checkInterceptable(
  workload: Workload,
  view: Pick<ClusterView, 'interceptable'>,
): Outcome<Workload> {
  const { kinds, onlyEnabled } = view.interceptable;
  if (!kinds.includes(workload.kind)) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)}: the administrator lets no ${workload.kind} be intercepted (Helm value workloads)`,
    );
  }
  const owner = ownerOf(view, workload);
  if (owner !== undefined) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} belongs to ${owner.kind} ${owner.name}: intercept that`,
    );
  }
  const { template } = workload.object.spec;
  if (template.spec.containers.length === 0) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} has its pod template from another workload (workloadRef): no agent can be asked for in it; give it a template of its own`,
    );
  }
  if (template.spec.hostNetwork) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} uses the node's own network (hostNetwork): its traffic cannot be taken without taking the node's`,
    );
  }
  const wish = injectionWish(template.metadata.annotations);
  if (wish === 'disabled') {
    return refused(
      'InjectionDisabled',
      `${nameOf(workload)} has the annotation inject-traffic-agent: disabled`,
    );
  }
  if (onlyEnabled && wish !== 'enabled') {
    return refused(
      'InjectionDisabled',
      `${nameOf(workload)} has no annotation telepresence.io/inject-traffic-agent: enabled in its pod template, and the administrator demands it (Helm value agentInjector.injectPolicy)`,
    );
  }
  return found(workload);
}
