import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ObjectSchema } from '#kube/objects.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { watchResources, type Delta, type ResourceWatch } from '#kube/watch.ts';
import { connection, intercept, type Connection, type Intercept } from '#protocol/resources.ts';
import {
  endpointSliceObject,
  namespaceObject,
  networkPolicyObject,
  nodeObject,
  podObject,
  rolloutObject,
  serviceCidrObject,
  serviceObject,
  workloadObject,
  type EndpointSliceObject,
  type NamespaceObject,
  type NetworkPolicyObject,
  type NodeObject,
  type PodObject,
  type ServiceCidrObject,
  type ServiceObject,
  type WorkloadObject,
} from '../state/cluster-objects.ts';
import * as own from './resources.ts';
import { watchInNamespaces } from './watch-namespaces.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Options {
  /** The only ones that it may see; undefined: all. */
  readonly namespaces: ReturnType<typeof visibleNamespaces>;
  /** Whether Rollouts may be intercepted: most clusters do not have the kind. */
  readonly rollouts: boolean;
  /** Something changed that decisions may hang on. */
  readonly onChange: () => void;
  readonly onService: (delta: Delta<ServiceObject>) => void;
  readonly onSlice: (delta: Delta<EndpointSliceObject>) => void;
  readonly onNamespace: () => void;
  /** Subnets may have changed. */
  readonly onNetwork: () => void;
  readonly signal: AbortSignal;
}

/** All that the manager watches, by `namespace/name`. */
export interface ClusterWatch extends AsyncDisposable {
  readonly connections: ReadonlyMap<string, Connection>;
  readonly intercepts: ReadonlyMap<string, Intercept>;
  readonly deployments: ReadonlyMap<string, WorkloadObject>;
  readonly replicaSets: ReadonlyMap<string, WorkloadObject>;
  readonly statefulSets: ReadonlyMap<string, WorkloadObject>;
  /** Empty where they are not to be intercepted, or the cluster does not have the kind. */
  readonly rollouts: ReadonlyMap<string, WorkloadObject>;
  readonly services: ReadonlyMap<string, ServiceObject>;
  readonly slices: ReadonlyMap<string, EndpointSliceObject>;
  readonly pods: ResourceWatch<PodObject>;
  readonly namespaces: ReadonlyMap<string, NamespaceObject>;
  readonly nodes: ReadonlyMap<string, NodeObject>;
  /** Empty where the cluster does not have the kind. */
  readonly serviceCidrs: ReadonlyMap<string, ServiceCidrObject>;
  /** Empty where it may not read them, as after an upgrade of nothing but its image. */
  readonly networkPolicies: ReadonlyMap<string, NetworkPolicyObject>;
}

/** What a namespaced manager serves, and what it knows beside that: its own namespace. */
export function visibleNamespaces(
  served: readonly string[] | null,
  own: string,
): { readonly served: readonly string[]; readonly known: readonly string[] } | undefined {
  return served === null ? undefined : { served, known: [...new Set([...served, own])] };
}

/** Starts all watches, and resolves when what decisions need is there. */
export async function watchCluster(deps: Deps, options: Options): Promise<ClusterWatch> {
  const { signal } = options;
  await using starting = new AsyncDisposableStack();
  const start = <T>(
    resource: Resource,
    schema: ObjectSchema<T>,
    onChange: (delta: Delta<T>) => void,
    namespaces: readonly string[] | undefined = options.namespaces?.served,
  ): ResourceWatch<T> => {
    const what = { resource, schema, signal, onChange };
    return starting.use(
      namespaces === undefined
        ? watchResources(deps, what)
        : watchInNamespaces(deps, { ...what, namespaces }),
    );
  };
  const changed = (): void => options.onChange();

  const watches = {
    connections: start(own.connections, connection, changed),
    intercepts: start(own.intercepts, intercept, changed),
    deployments: start(resources.deployments, workloadObject, changed),
    replicaSets: start(resources.replicaSets, workloadObject, changed),
    statefulSets: start(resources.statefulSets, workloadObject, changed),
    services: start(
      resources.services,
      serviceObject,
      (delta) => {
        options.onService(delta);
        changed();
      },
      options.namespaces?.known,
    ),
    slices: start(resources.endpointSlices, endpointSliceObject, options.onSlice),
    // The managers' own too: whether another one runs, and where agents find it.
    pods: start(resources.pods, podObject, changed, options.namespaces?.known),
    namespaces: start(
      resources.namespaces,
      namespaceObject,
      () => {
        options.onNamespace();
        changed();
      },
      options.namespaces?.known,
    ),
    // Nodes are in no namespace: a namespaced manager does without.
    nodes: start(resources.nodes, nodeObject, () => options.onNetwork(), options.namespaces && []),
  };
  const serviceCidrs = starting.use(
    watchResources(deps, {
      resource: resources.serviceCIDRs,
      schema: serviceCidrObject,
      signal,
      onChange: () => options.onNetwork(),
    }),
  );
  const rollouts = options.rollouts ? start(resources.rollouts, rolloutObject, changed) : undefined;
  const networkPolicies = start(
    resources.networkPolicies,
    networkPolicyObject,
    changed,
    options.namespaces?.known,
  );
  await Promise.all(Object.values(watches).map(async (watch) => await watch.synced(signal)));
  await serviceCidrs.synced(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    deps.log.info('no ServiceCIDRs to read', { reason: describe(error) });
  });
  // The kind may come later than the manager.
  await rollouts?.synced(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    deps.log.warning('no Rollouts to read', { reason: describe(error) });
  });

  const running = starting.move();
  return {
    connections: watches.connections.store,
    intercepts: watches.intercepts.store,
    deployments: watches.deployments.store,
    replicaSets: watches.replicaSets.store,
    statefulSets: watches.statefulSets.store,
    rollouts: rollouts?.store ?? new Map(),
    services: watches.services.store,
    slices: watches.slices.store,
    pods: watches.pods,
    namespaces: watches.namespaces.store,
    nodes: watches.nodes.store,
    serviceCidrs: serviceCidrs.store,
    networkPolicies: networkPolicies.store,
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}
