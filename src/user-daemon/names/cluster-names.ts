import type { ClusterInfo, ServiceInfo } from '#protocol/gen/telepresence_pb.ts';

/** What names can be answered from: the cluster as the manager last told it. */
export interface ClusterNames {
  /** Undefined until the first snapshot is complete. */
  readonly info: ClusterInfo | undefined;
  service(namespace: string, name: string): ServiceInfo | undefined;
  /** The Service with this cluster IP, where it has a name for us. */
  serviceAt(address: string): ServiceInfo | undefined;
  hasNamespace(name: string): boolean;
  /** Its Services are not told to this user: the cluster's DNS knows their names. */
  isClosed(namespace: string): boolean;
}

/** How the user's names are meant. */
export interface NameScope {
  /** Where names of one label are looked for. */
  readonly namespace: string;
  /** Namespaces whose names are resolved; empty means all. */
  readonly mapped: readonly string[];
}
