import type { ClusterInfo, ClusterUpdate, ServiceInfo } from '#protocol/gen/telepresence_pb.ts';
import type { ClusterNames } from './cluster-names.ts';

/** The cluster as the manager tells it: a snapshot, then deltas. */
export interface ClusterModel extends ClusterNames {
  readonly services: ReadonlyMap<string, ServiceInfo>;
  readonly namespaces: ReadonlySet<string>;
  /** A new stream starts: what it does not repeat until `synced` is gone. */
  restart(): void;
  /** One message of the stream. */
  apply(update: ClusterUpdate): void;
}

/** A model that knows nothing yet; `onChange` is called after each change that can be seen. */
export function createClusterModel(onChange: () => void): ClusterModel {
  let info: ClusterInfo | undefined;
  let namespaces: ReadonlySet<string> = new Set();
  let services = new Map<string, ServiceInfo>();
  let byAddress = new Map<string, ServiceInfo>();
  let closed: ReadonlySet<string> = new Set();
  let known = new Set<string>();
  // A snapshot under way; names are answered from the old state until it is complete.
  let coming: { info: ClusterInfo | undefined; services: Map<string, ServiceInfo> } | undefined = {
    info: undefined,
    services: new Map(),
  };

  const index = (): void => {
    byAddress = new Map();
    for (const service of services.values()) {
      // Of a namespace that is closed to us only the address is told.
      if (service.namespace === '') continue;
      for (const address of service.addresses) byAddress.set(address, service);
    }
    // Where a manager may not list namespaces, Services still tell of theirs.
    known = new Set([...namespaces, ...[...services.values()].map(({ namespace }) => namespace)]);
    known.delete('');
  };

  return {
    get info() {
      return info;
    },
    get services() {
      return services;
    },
    get namespaces() {
      return known;
    },
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    serviceAt: (address) => byAddress.get(address),
    hasNamespace: (name) => known.has(name),
    isClosed: (name) => closed.has(name),
    restart() {
      coming = { info: undefined, services: new Map() };
    },
    apply(update) {
      const into = coming?.services ?? services;
      for (const service of update.services) {
        into.set(`${service.namespace}/${service.name}`, service);
      }
      for (const key of update.removedServices) into.delete(key);
      if (update.namespacesChanged) {
        namespaces = new Set(update.namespaces);
        closed = new Set(update.closedNamespaces);
      }
      if (coming === undefined) info = update.info ?? info;
      else coming.info = update.info ?? coming.info;
      if (update.synced && coming !== undefined) {
        ({ services } = coming);
        info = coming.info ?? info;
        coming = undefined;
      }
      if (coming !== undefined) return;
      index();
      onChange();
    },
  };
}
