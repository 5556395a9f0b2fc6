import type { ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import { networkOf, type Network } from '../state/network.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { ControllerOptions } from './controller-options.ts';
import { createLatest, type Latest } from './latest.ts';
import { infoOf } from './views.ts';

/** What follows from the cluster and is told to laptops as it changes. */
export interface KnownCluster {
  readonly namespaces: Latest<readonly string[]>;
  readonly info: Latest<Omit<ClusterInfo, '$typeName' | '$unknown'>>;
  readonly network: Network;
  lookAtNamespaces(cluster: Pick<ClusterWatch, 'namespaces'>): void;
  lookAtNetwork(cluster: ClusterWatch): void;
}

/** Nothing is known at first. */
export function createKnownCluster(
  options: Pick<ControllerOptions, 'config' | 'dns'>,
): KnownCluster {
  const { config } = options;
  let network: Network = { serviceSubnets: [], podSubnets: [] };
  const namespaces = createLatest<readonly string[]>([]);
  const info = createLatest(infoOf(options, network, ''));
  return {
    namespaces,
    info,
    get network() {
      return network;
    },
    lookAtNamespaces(cluster) {
      const names = [...cluster.namespaces.values()]
        .filter((one) => one.status.phase === 'Active')
        .map((one) => one.metadata.name)
        .toSorted();
      if (JSON.stringify(names) !== JSON.stringify(namespaces.value)) namespaces.set(names);
    },
    lookAtNetwork(cluster) {
      network = networkOf({
        serviceCidrs: cluster.serviceCidrs.values(),
        services: cluster.services.values(),
        nodes: cluster.nodes.values(),
        pods: cluster.pods.store.values(),
        podCIDRs: config.podCIDRs,
        strategy: config.podCIDRStrategy,
      });
      const installId = cluster.namespaces.get(config.namespace)?.metadata.uid ?? '';
      const next = infoOf(options, network, installId);
      if (JSON.stringify(next) !== JSON.stringify(info.value)) info.set(next);
    },
  };
}
