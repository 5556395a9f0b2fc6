import type { ManagerConfig } from '#install/manager-config.ts';
import { managerName, managerSelector } from '#install/manifest.ts';
import { agentsPortName } from '#install/manager-config.ts';
import { dnsSettings } from '#protocol/client-settings.ts';
import type { ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import { namespacesOfAddress } from '../state/address-owner.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import { policiesAgainst, type PolicyPod } from '../state/egress.ts';
import type { Network } from '../state/network.ts';
import { clusterView, type ClusterView, type Workload } from '../state/view.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { ClusterDns } from './dns-lookup.ts';

interface Namespaced {
  readonly metadata: { readonly namespace: string };
}

/** The namespace of an object. */
export function namespaceOf({ metadata }: Namespaced): string {
  return metadata.namespace;
}

/** An index of the cluster as it is watched; with `only`, of these namespaces alone. */
export function viewOf(
  cluster: ClusterWatch | undefined,
  interceptable: ManagerConfig['interceptable'],
  only?: ReadonlySet<string>,
): ClusterView {
  const some = <T extends Namespaced>(store: ReadonlyMap<string, T> | undefined): T[] =>
    [...(store?.values() ?? [])].filter((one) => only?.has(namespaceOf(one)) ?? true);
  return clusterView({
    deployments: some(cluster?.deployments),
    replicaSets: some(cluster?.replicaSets),
    statefulSets: some(cluster?.statefulSets),
    rollouts: some(cluster?.rollouts),
    services: some(cluster?.services),
    pods: some(cluster?.pods.store),
    interceptable,
  });
}

/** Every address of the managers and their Services, whichever of them dials: none is dialled. */
export function ownAddresses(cluster: ClusterWatch, namespace: string): string[] {
  const addresses = managerPods(cluster, namespace).flatMap(({ status }) => status.podIPs);
  for (const service of cluster.services.values()) {
    if (namespaceOf(service) !== namespace) continue;
    if (service.metadata.labels['app.kubernetes.io/name'] !== managerName) continue;
    addresses.push(...service.spec.clusterIPs.filter((address) => address !== 'None'));
  }
  return addresses.toSorted();
}

/** Pods of the manager itself. */
export function managerPods(cluster: ClusterWatch, namespace: string): PodObject[] {
  return [...cluster.pods.store.values()].filter(
    ({ metadata }) =>
      metadata.namespace === namespace &&
      Object.entries(managerSelector).every(([key, value]) => metadata.labels[key] === value),
  );
}

/** The namespaces that an address belongs to. */
export function addressOwners(
  cluster: ClusterWatch | undefined,
  address: string,
): ReadonlySet<string> {
  const [services, pods] = [cluster?.services.values() ?? [], cluster?.pods.store.values() ?? []];
  return namespacesOfAddress({ services, pods }, address);
}

/** Where agents find every manager that is not about to end. */
export function managerAddresses(cluster: ClusterWatch, namespace: string): string[] {
  return managerPods(cluster, namespace)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ status }) => status.podIP ?? [])
    .toSorted();
}

/** The NetworkPolicies that keep agents in pods of a workload from the managers, in words. */
export function policiesAgainstAgents(
  cluster: ClusterWatch,
  config: Pick<ManagerConfig, 'namespace' | 'ports'>,
  { object }: Workload,
): readonly string[] {
  const podIn = (namespace: string, pod: Pick<PolicyPod, 'labels' | 'ips'>): PolicyPod => ({
    namespace,
    namespaceLabels: cluster.namespaces.get(namespace)?.metadata.labels ?? {},
    ...pod,
  });
  const { metadata, spec } = object.spec.template;
  // Policies are about pods' own networks.
  if (spec.hostNetwork) return [];
  return policiesAgainst(
    cluster.networkPolicies.values(),
    podIn(namespaceOf(object), { labels: metadata.labels, ips: [] }),
    {
      pods: managerPods(cluster, config.namespace).map((pod) =>
        podIn(config.namespace, { labels: pod.metadata.labels, ips: pod.status.podIPs }),
      ),
      port: config.ports.agents,
      portName: agentsPortName,
    },
  );
}

/** What laptops are told of the cluster and of us. */
export function infoOf(
  { config, dns }: { readonly config: ManagerConfig; readonly dns: ClusterDns },
  network: Network,
  installId: string,
): Omit<ClusterInfo, '$typeName' | '$unknown'> {
  return {
    managerVersion: config.version,
    agentImage: config.agent.image,
    clusterDomain: dns.domain,
    dnsAddress: dns.nameserver,
    serviceSubnets: [...network.serviceSubnets],
    podSubnets: [...network.podSubnets],
    managerNamespace: config.namespace,
    managerInstallId: installId,
    alsoProxy: config.routing.alsoProxySubnets,
    neverProxy: config.routing.neverProxySubnets,
    allowConflicting: config.routing.allowConflictingSubnets,
    autoResolveConflicts: config.routing.autoResolveConflicts,
    virtualSubnet: config.routing.virtualSubnet,
    excludeSuffixes: config.dns.excludeSuffixes,
    includeSuffixes: config.dns.includeSuffixes,
    dns: dnsSettings({
      excludeSuffixes: config.dns.excludeSuffixes,
      includeSuffixes: config.dns.includeSuffixes,
      excludes: config.dns.excludes,
      mappings: config.dns.mappings,
      lookupTimeout: config.dns.lookupTimeoutMs,
    }),
  };
}
