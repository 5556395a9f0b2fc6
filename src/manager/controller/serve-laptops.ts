import type { Intercept } from '#protocol/resources.ts';
import type { ClusterView } from '../state/view.ts';
import { listWorkloads } from '../state/workload-list.ts';
import { serveCluster } from './cluster-service.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { ControllerDeps, ControllerOptions } from './controller-options.ts';
import { lookupRaw } from './dns-lookup.ts';
import type { KnownCluster } from './known-cluster.ts';
import type { LaptopAccess } from './laptop-access.ts';
import type { Latest } from './latest.ts';
import { removeAgents } from './remove-agents.ts';
import type { ServiceModel } from './service-model.ts';
import { setLogLevel } from './set-log-level.ts';
import type { ControllerServices } from './socket-server.ts';

interface Deps extends ControllerDeps {
  readonly services: ServiceModel;
  readonly known: Pick<KnownCluster, 'namespaces' | 'info'>;
  readonly view: () => ClusterView;
  readonly passes: Latest<number>;
  readonly access: LaptopAccess;
  readonly watched: ClusterWatch;
}

/** Answers each laptop as the one whose Connection it has proven to be. */
export function serveLaptops(
  deps: Deps,
  options: Pick<ControllerOptions, 'config' | 'dns' | 'dnsPort'>,
): ControllerServices['laptop'] {
  const { clock, log, services, known, view, passes, access, watched } = deps;
  const { config, dns, dnsPort } = options;
  const asking = {
    clock,
    nameserver: dns.nameserver,
    ...(dnsPort === undefined ? {} : { port: dnsPort }),
  };
  const intercepts = (): Iterable<Intercept> => watched.intercepts.values();
  return (router, connectionUid) =>
    serveCluster(
      {
        log,
        services,
        namespaces: known.namespaces,
        info: known.info,
        lookup: async (query, waiting) => await lookupRaw(asking, query, waiting),
        listWorkloads: (namespace) => listWorkloads(view(), namespace, intercepts()),
        passes,
        setLogLevel: async (level, ms, waiting) => {
          const own = access.connectionOf(connectionUid);
          if (own === undefined) throw new Error('this connection is gone');
          await setLogLevel(deps, own, { level, ms, signal: waiting });
        },
        removeAgents: async (removal, waiting) =>
          await removeAgents(
            {
              ...deps,
              pods: watched.pods,
              view,
              intercepts,
              connections: () => watched.connections.values(),
              passes,
            },
            removal,
            waiting,
          ),
        namespace: () => access.connectionOf(connectionUid)?.metadata.namespace,
        open: async (names, waiting) => await access.openTo(connectionUid, names, waiting),
        dialsAll: config.outbound === 'cluster',
      },
      router,
    );
}
