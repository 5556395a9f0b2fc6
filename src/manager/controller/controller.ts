import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { turnLevel, type LevelSwitch, type Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ManagerConfig } from '#install/manager-config.ts';
import { connection, intercept, type Connection } from '#protocol/resources.ts';
import { askedLogLevel } from '../state/asked-log-level.ts';
import { networkOf, type Network } from '../state/network.ts';
import { plan, type Plan } from '../state/plan.ts';
import type { ClusterView } from '../state/view.ts';
import { listWorkloads } from '../state/workload-list.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import { createAgentHub } from './agent-hub.ts';
import { serveCluster } from './cluster-service.ts';
import { watchCluster, type ClusterWatch } from './cluster-watch.ts';
import { lookupRaw, type ClusterDns } from './dns-lookup.ts';
import { createInjector } from './injector.ts';
import { createLatest } from './latest.ts';
import { createReconcileLoop } from './reconcile-loop.ts';
import { createRelayHub } from './relay-hub.ts';
import { removeAgents } from './remove-agents.ts';
import * as own from './resources.ts';
import { createServiceModel } from './service-model.ts';
import { setLogLevel } from './set-log-level.ts';
import type { ControllerServices } from './socket-server.ts';
import { createStatusWriter } from './status-writer.ts';
import { deleteExpired, deleteOrphan } from './sweep.ts';
import { reviewAgentToken } from './token-review.ts';
import { infoOf, namespaceOf, ownServiceAddresses, viewOf } from './views.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** What `log` listens to; turned when a Connection asks for it. */
  readonly level?: LevelSwitch;
}

interface Options {
  readonly config: ManagerConfig;
  readonly injector: InjectorConfig;
  /** Base64 of the manager's Ed25519 public key. */
  readonly publicKey: string;
  /** PEM of the CA of the relay's certificate. */
  readonly ca: string;
  readonly dns: ClusterDns;
  /** The port of `dns.nameserver`; another one in tests. */
  readonly dnsPort?: number;
  readonly signal: AbortSignal;
}

/** The controller, watching and reconciling. */
export interface Controller extends AsyncDisposable {
  /** What laptops, agents and the relay call. */
  readonly services: ControllerServices;
  /** Resolves when nothing is left to do at the moment. */
  settled(): Promise<void>;
}

/** Design decision 7: after this long without its laptop, others may take over an intercept. */
const graceMs = 60_000;
/** After a start, laptops and agents get this long to come back before anybody is called gone. */
const settleMs = 5000;
/** Time passes without events: grace, ends, renewals. */
const tickMs = 5000;

/** Starts to watch and to reconcile: level-triggered, one pass at a time. */
export async function startController(deps: Deps, options: Options): Promise<Controller> {
  const { client, clock, log } = deps;
  const { config, signal } = options;
  const startedAt = clock.monotonic();
  const startedMs = clock.now();
  await using starting = new AsyncDisposableStack();

  let cluster: ClusterWatch | undefined;
  let network: Network = { serviceSubnets: [], podSubnets: [] };
  const services = createServiceModel(deps);
  const namespaces = createLatest<readonly string[]>([]);
  const info = createLatest(infoOf(options, network, ''));
  const view = (): ClusterView => viewOf(cluster);
  const passes = createLatest(0);

  let pass = async (): Promise<void> => {};
  const loop = createReconcileLoop(deps, async () => await pass(), signal);
  const request = (): void => loop.request();
  const agents = createAgentHub(deps, request);
  const relay = createRelayHub(
    {
      log,
      review: async (token, waiting) => {
        if (cluster === undefined) return { ok: false, message: 'the traffic-manager is starting' };
        return await reviewAgentToken({ client, pods: cluster.pods, view }, token, waiting);
      },
    },
    request,
  );

  const refreshNamespaces = (): void => {
    const names = [...(cluster?.namespaces.values() ?? [])]
      .filter((one) => one.status.phase === 'Active')
      .map((one) => one.metadata.name)
      .toSorted();
    if (JSON.stringify(names) !== JSON.stringify(namespaces.value)) namespaces.set(names);
  };
  const refreshNetwork = (): void => {
    if (cluster === undefined) return;
    network = networkOf({
      serviceCidrs: cluster.serviceCidrs.values(),
      services: cluster.services.values(),
      nodes: cluster.nodes.values(),
      pods: cluster.pods.store.values(),
      podCIDRs: config.podCIDRs,
    });
    const installId = cluster.namespaces.get(config.namespace)?.metadata.uid ?? '';
    const next = infoOf(options, network, installId);
    if (JSON.stringify(next) !== JSON.stringify(info.value)) info.set(next);
  };

  cluster = starting.use(
    await watchCluster(deps, {
      onChange: request,
      onService: (delta) => services.onService(delta),
      onSlice: (delta) => services.onSlice(delta),
      onNamespace: refreshNamespaces,
      onNetwork: request,
      signal,
    }),
  );
  const watched = cluster;
  refreshNamespaces();

  const writerDeps = { client, clock, log, onRetry: request };
  const writers = {
    connections: createStatusWriter(writerDeps, {
      resource: own.connections,
      schema: connection,
      signal,
    }),
    intercepts: createStatusWriter(writerDeps, {
      resource: own.intercepts,
      schema: intercept,
      signal,
    }),
  };
  const injector = createInjector(
    {
      client,
      clock,
      log,
      pods: watched.pods,
      view,
      injector: options.injector,
      onChange: request,
    },
    signal,
  );

  pass = async () => {
    refreshNetwork();
    const next = plan({
      connections: writers.connections.freshest(watched.connections.values()),
      intercepts: writers.intercepts.freshest(watched.intercepts.values()),
      view: viewOf(watched, new Set([...watched.intercepts.values()].map(namespaceOf))),
      namespace: (name) => watched.namespaces.get(name),
      facts: {
        isLive: (uid) => relay.isLive(uid),
        takeState: (podUid, interceptUid) => agents.takeState(podUid, interceptUid),
      },
      injectionRefusals: injector.refusals,
      manager: { publicKey: options.publicKey, ca: options.ca, version: config.version },
      lifetimes: { graceMs, ttlMs: config.connectionTtlMs },
      nowMs: clock.now(),
      startedMs,
    });
    const logLevel = askedLogLevel(watched.connections.values(), clock.now());
    turnLevel({ log, level: deps.level }, logLevel ?? '');
    // The relay must know whom a status invites.
    await relay.publish(
      {
        ...next.served,
        dialableSubnets: [
          ...network.serviceSubnets,
          ...network.podSubnets,
          ...config.routing.alsoProxySubnets,
        ],
        refusedSubnets: ownServiceAddresses(watched, config.namespace),
        logLevel: logLevel ?? '',
      },
      signal,
    );
    agents.publish(next.takes, logLevel ?? '');
    injector.need(next.injections);
    writeStatuses(next);
    passes.set(passes.value + 1);
    await sweep(next);
  };

  const writeStatuses = (next: Plan): void => {
    const settling = clock.monotonic() - startedAt < settleMs;
    for (const [object, status] of next.connectionStatus) {
      if (settling && status.state === 'Disconnected') continue;
      writers.connections.write(object, status);
    }
    for (const [object, status] of next.interceptStatus) {
      if (settling && status.state === 'Disconnected') continue;
      writers.intercepts.write(object, status);
    }
  };

  const sweep = async (next: Plan): Promise<void> => {
    const ends = [
      ...next.expired.map(async (one) => await deleteExpired(deps, one, signal)),
      ...next.orphaned.map(async (one) => await deleteOrphan(deps, one, signal)),
    ];
    for (const end of await Promise.allSettled(ends)) {
      if (end.status === 'rejected' && !signal.aborted) {
        log.warning('not deleted', { reason: describe(end.reason) });
      }
    }
  };

  const ownConnection = (uid: string): Connection | undefined =>
    [...watched.connections.values()].find(({ metadata }) => metadata.uid === uid);
  starting.use(asAsync(clock.every(tickMs, request)));
  request();
  await loop.settled();
  const running = starting.move();
  return {
    services: {
      laptop: (router, connectionUid) =>
        serveCluster(
          {
            log,
            services,
            namespaces,
            info,
            lookup: async (query, waiting) =>
              await lookupRaw(
                {
                  clock,
                  nameserver: options.dns.nameserver,
                  ...(options.dnsPort === undefined ? {} : { port: options.dnsPort }),
                },
                query,
                waiting,
              ),
            listWorkloads: (namespace) => listWorkloads(view(), namespace),
            passes,
            setLogLevel: async (level, ms, waiting) => {
              const own = ownConnection(connectionUid);
              if (own === undefined) throw new Error('this connection is gone');
              await setLogLevel(deps, own, { level, ms, signal: waiting });
            },
            removeAgents: async (removal, waiting) =>
              await removeAgents(
                {
                  ...deps,
                  pods: watched.pods,
                  view,
                  intercepts: () => watched.intercepts.values(),
                  passes,
                },
                removal,
                waiting,
              ),
            namespace: () => ownConnection(connectionUid)?.metadata.namespace,
          },
          router,
        ),
      agent: (router, identity) => agents.serve(router, identity),
      relay: (router) => relay.serve(router),
    },
    settled: async () => await loop.settled(),
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

function asAsync(disposable: Disposable): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => disposable[Symbol.dispose]() };
}
