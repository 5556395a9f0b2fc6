import type { ManagerConfig } from '#install/manager-config.ts';
import { managerName, managerSelector } from '#install/manifest.ts';
import { agentsPortName } from '#install/manager-config.ts';
import { dnsSettings } from '#protocol/client-settings.ts';
import type { ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import { namespacesOfAddress } from '../state/address-owner.ts';
import type { PodObject, WorkloadObject } from '../state/cluster-objects.ts';
import { policiesAgainst, type PolicyPod } from '../state/egress.ts';
import { requestOf } from '../state/injected.ts';
import type { Network } from '../state/network.ts';
import { ownerOf } from '../state/owner.ts';
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

/** Workloads of which some container has stepped aside, as their templates say, or a ReplicaSet's pods. */
export function replacingWorkloads(
  cluster: ClusterWatch,
  interceptable: ManagerConfig['interceptable'],
): Workload[] {
  const asks = ({ spec }: WorkloadObject): boolean => {
    const { annotations } = spec.template.metadata;
    // There may be thousands, and hardly any of them says this.
    if (annotations[agentRequestAnnotation]?.includes('"replace"') !== true) return false;
    return (requestOf(annotations)?.replace ?? []).length > 0;
  };
  const found: Workload[] = [];
  for (const object of cluster.deployments.values()) {
    if (asks(object)) found.push({ kind: 'Deployment', object });
  }
  for (const object of cluster.statefulSets.values()) {
    if (asks(object)) found.push({ kind: 'StatefulSet', object });
  }
  for (const object of cluster.rollouts.values()) {
    if (asks(object)) found.push({ kind: 'Rollout', object });
  }
  const owners = new Set<string>();
  for (const { spec, metadata } of cluster.pods.store.values()) {
    if ((spec.agent?.replaced ?? []).length === 0) continue;
    for (const { uid } of metadata.ownerReferences) owners.add(uid);
  }
  for (const object of cluster.replicaSets.values()) {
    if (!owners.has(object.metadata.uid) && !asks(object)) continue;
    const workload: Workload = { kind: 'ReplicaSet', object };
    // A Deployment's have its template, which is the Deployment's own affair.
    if (ownerOf({ interceptable }, workload) === undefined) found.push(workload);
  }
  return found;
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
