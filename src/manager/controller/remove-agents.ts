import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ResourceWatch } from '#kube/watch.ts';
import {
  agentRequestAnnotation,
  fieldManager,
  type Connection,
  type Intercept,
} from '#protocol/resources.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import { injectionWish } from '#protocol/injection-wish.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import { requestOf } from '../state/injected.ts';
import { nameOf, ownerOf } from '../state/owner.ts';
import type { ClusterView, Workload } from '../state/view.ts';
import type { Latest } from './latest.ts';
import { recreatePods } from './recreate-pods.ts';
import { workloadResource } from './resources.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Pick<ResourceWatch<PodObject>, 'until'>;
  readonly view: () => ClusterView;
  readonly intercepts: () => Iterable<Intercept>;
  readonly connections: () => Iterable<Connection>;
  /** Changes after each look at the cluster. */
  readonly passes: Latest<number>;
}

/** Whose agents are to go; no names are all of the namespace that have one. */
export interface Removal {
  readonly namespace: string;
  readonly workloads: readonly string[];
}

/** What became of it: names, and sentences. */
export interface Removed {
  readonly removed: string[];
  readonly refused: string[];
}

const leftMs = 3000;

/** Takes our request out of workloads' templates, so that their pods are made anew without an agent. */
export async function removeAgents(
  deps: Deps,
  { namespace, workloads: names }: Removal,
  signal: AbortSignal,
): Promise<Removed> {
  const view = deps.view();
  const known = view
    .workloadsIn(namespace)
    .filter((workload) => ownerOf(view, workload) === undefined);
  const asked =
    names.length === 0
      ? known.filter((workload) => hasRequest(workload))
      : known.filter(({ object }) => names.includes(object.metadata.name));
  const result: Removed = { removed: [], refused: [] };
  for (const name of names) {
    if (asked.some(({ object }) => object.metadata.name === name)) continue;
    result.refused.push(`there is no workload ${name} in namespace ${namespace}`);
  }
  for (const workload of asked) {
    const why = await removeFrom(deps, workload, signal);
    if (why === undefined) result.removed.push(workload.object.metadata.name);
    else result.refused.push(why);
  }
  return result;
}

/** Why the workload keeps its agents; undefined when it does not. */
async function removeFrom(
  deps: Deps,
  workload: Workload,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = nameOf(workload);
  const holder = await interceptor(deps, workload, signal);
  if (holder !== undefined) {
    return `${name} is ${done[modeOf(holder.spec)]} by ${holder.spec.client}`;
  }
  const guest = guestOf(deps, workload);
  if (guest !== undefined) return `${name} is used by ${guest} (connect --proxy-via)`;
  if (!hasRequest(workload)) {
    const { annotations } = workload.object.spec.template.metadata;
    if (injectionWish(annotations) === 'enabled') {
      return `${name} has an agent by its own annotation telepresence.io/inject-traffic-agent`;
    }
    return `${name} has no traffic-agent`;
  }
  const { name: objectName, namespace, uid } = workload.object.metadata;
  try {
    await deps.client.patch({
      resource: workloadResource(workload.kind),
      namespace,
      name: objectName,
      type: 'merge',
      patch: {
        metadata: { uid },
        spec: { template: { metadata: { annotations: { [agentRequestAnnotation]: null } } } },
      },
      schema: v.unknown(),
      fieldManager,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    return `${name} could not be changed: ${describe(error)}`;
  }
  deps.log.info('agent no longer requested', { workload: name });
  if (workload.kind === 'ReplicaSet') recreate(deps, workload);
  return undefined;
}

/** Nobody waits for it: it takes as long as pods take to become ready, one after another. */
function recreate(deps: Deps, workload: Workload): void {
  const isOld = (pod: PodObject): boolean => requestOf(pod.metadata.annotations) !== undefined;
  const { signal } = new AbortController();
  recreatePods(deps, { workload, isOld, signal }).catch((error: unknown) => {
    deps.log.warning('pods not made again', {
      workload: nameOf(workload),
      reason: describe(error),
    });
  });
}

const done = { intercept: 'intercepted', wiretap: 'wiretapped', ingest: 'ingested' } as const;

/** Who intercepts it, or needs its agents otherwise; an Intercept that has just been deleted may still be on its way to us. */
async function interceptor(
  deps: Deps,
  workload: Workload,
  signal: AbortSignal,
): Promise<Intercept | undefined> {
  const find = (): Intercept | undefined =>
    [...deps.intercepts()].find(({ metadata, spec }) => {
      const { name, namespace } = workload.object.metadata;
      const { kind } = spec.workload;
      return (
        metadata.namespace === namespace &&
        spec.workload.name === name &&
        (kind === undefined || kind === workload.kind)
      );
    });
  if (find() === undefined) return undefined;
  const gone = async (waiting: AbortSignal): Promise<void> => {
    for await (const _pass of deps.passes.follow(waiting)) if (find() === undefined) return;
  };
  const what = `end of the intercepts of ${nameOf(workload)}`;
  await withDeadline(deps, { ms: leftMs, what, signal }, gone).catch(() => {});
  return find();
}

/** Whose flows leave from its pods. */
function guestOf({ connections }: Pick<Deps, 'connections'>, { object }: Workload) {
  const { name, namespace } = object.metadata;
  return [...connections()].find(
    ({ metadata, spec }) => metadata.namespace === namespace && spec.via?.includes(name) === true,
  )?.spec.client;
}

function hasRequest({ object }: Workload): boolean {
  return requestOf(object.spec.template.metadata.annotations) !== undefined;
}
