import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { evictPod } from '#kube/evict-pod.ts';
import type { ResourceWatch } from '#kube/watch.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import { isReady, podsOf } from '../state/owner.ts';
import type { ClusterView, Workload } from '../state/view.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'create'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Pick<ResourceWatch<PodObject>, 'until'>;
  readonly view: () => ClusterView;
}

const readyMs = 120_000;
const evictionRetryMs = 2000;

/**
 * Has the pods of a workload made again that nothing rolls by itself (a ReplicaSet): one is evicted,
 * and the next only when all are ready again. Budgets are kept; where one forbids it, it is waited for.
 */
export async function recreatePods(
  deps: Deps,
  options: {
    readonly workload: Workload;
    readonly isOld: (pod: PodObject) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { workload, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    const pods = podsOf(deps.view(), workload);
    const old = pods.find(options.isOld);
    if (old === undefined) return;
    if (!(await evict(deps, old, signal))) continue;
    deps.log.info('pod evicted', { pod: old.metadata.name });
    await waitUntilReady(deps, workload, old, pods.length, signal);
  }
}

/** Whether the pod is on its way out. */
async function evict(deps: Deps, pod: PodObject, signal: AbortSignal): Promise<boolean> {
  const { name, namespace, uid } = pod.metadata;
  try {
    await evictPod(deps.client, { name, namespace, uid, signal });
    return true;
  } catch (error) {
    if (isKubeError(error, 'NotFound', 'Conflict')) return true;
    signal.throwIfAborted();
    deps.log.info('pod not evicted', { pod: name, reason: describe(error) });
    await deps.clock.sleep(evictionRetryMs, signal);
    return false;
  }
}

async function waitUntilReady(
  deps: Deps,
  workload: Workload,
  gone: PodObject,
  wanted: number,
  signal: AbortSignal,
): Promise<void> {
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(readyMs)]);
  try {
    await deps.pods.until(() => {
      const pods = podsOf(deps.view(), workload);
      const ready = pods.filter((pod) => pod.metadata.uid !== gone.metadata.uid && isReady(pod));
      return ready.length >= wanted ? true : undefined;
    }, waiting);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `${workload.kind} ${workload.object.metadata.name} did not become ready again, so that no further pod is touched`,
      { cause: error },
    );
  }
}
