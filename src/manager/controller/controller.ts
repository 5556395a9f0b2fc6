import type { Clock } from '#base/clock.ts';
import { turnLevel, type LevelSwitch, type Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ManagerConfig } from '#install/manager-config.ts';
import { managerName } from '#install/manifest.ts';
import type { Connection } from '#protocol/resources.ts';
import { askedLogLevel } from '../state/asked-log-level.ts';
import { networkOf, type Network } from '../state/network.ts';
import { plan } from '../state/plan.ts';
import type { ClusterView } from '../state/view.ts';
import type { Holder } from '../state/lease.ts';
import { listWorkloads } from '../state/workload-list.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import { createAgentHub } from './agent-hub.ts';
import { serveCluster } from './cluster-service.ts';
import { visibleNamespaces, watchCluster, type ClusterWatch } from './cluster-watch.ts';
import { lookupRaw, type ClusterDns } from './dns-lookup.ts';
import { reviewDial } from './dial-review.ts';
import { createInjector } from './injector.ts';
import { createLatest } from './latest.ts';
import { keepLeadership, type Leadership } from './leadership.ts';
import { createNamespaceRights } from './namespace-rights.ts';
import { createReconcileLoop } from './reconcile-loop.ts';
import { createRelayHub } from './relay-hub.ts';
import { removeAgents } from './remove-agents.ts';
import { createServiceModel } from './service-model.ts';
import { setLogLevel } from './set-log-level.ts';
import type { ControllerServices } from './socket-server.ts';
import { reviewAgentToken } from './token-review.ts';
import {
  addressOwners,
  infoOf,
  managerAddresses,
  namespaceOf,
  ownAddresses,
  policiesAgainstAgents,
  viewOf,
} from './views.ts';
import { createWriting } from './writing.ts';

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
  /** Which of the managers this is. */
  readonly own: Holder;
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
  /** Leaves the writing to another manager, at once; everything else goes on. */
  abdicate(): Promise<void>;
}

/** After a start, laptops and agents get this long to come back before anybody is called gone. */
const settleMs = 5000;
/** Time passes without events: grace, ends, renewals. */
const tickMs = 5000;
const waitingMs = 500;

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
  const view = (): ClusterView => viewOf(cluster, config.interceptable);
  const passes = createLatest(0);

  const connectionOf = (uid: string): Connection | undefined =>
    [...(cluster?.connections.values() ?? [])].find(({ metadata }) => metadata.uid === uid);
  const rights = createNamespaceRights(deps);
  const openTo = async (
    uid: string,
    names: readonly string[],
    waiting: AbortSignal,
  ): Promise<ReadonlySet<string>> => {
    const connection = connectionOf(uid);
    return connection === undefined
      ? new Set()
      : await rights.among(connection.spec, names, waiting);
  };

  let leadership: Leadership | undefined;
  let waiting: Disposable | undefined;
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
      reviewDial: async (asked, waiting) =>
        await reviewDial(
          {
            namespacesOf: (address) => addressOwners(cluster, address),
            open: openTo,
            alsoProxy: config.routing.alsoProxySubnets,
          },
          asked,
          waiting,
        ),
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
      strategy: config.podCIDRStrategy,
    });
    const installId = cluster.namespaces.get(config.namespace)?.metadata.uid ?? '';
    const next = infoOf(options, network, installId);
    if (JSON.stringify(next) !== JSON.stringify(info.value)) info.set(next);
  };

  cluster = starting.use(
    await watchCluster(deps, {
      namespaces: visibleNamespaces(config.namespaces, config.namespace),
      onChange: () => {
        leadership?.look();
        request();
      },
      onService: (delta) => services.onService(delta),
      onSlice: (delta) => services.onSlice(delta),
      onNamespace: refreshNamespaces,
      onNetwork: request,
      signal,
    }),
  );
  const watched = cluster;
  refreshNamespaces();
  const runs = (pod: string): boolean =>
    watched.pods.store.get(`${config.namespace}/${pod}`)?.status.running ?? false;
  leadership = starting.use(
    keepLeadership(deps, {
      namespace: config.namespace,
      name: managerName,
      own: options.own,
      runs,
      onChange: request,
      signal,
    }),
  );
  const leading = leadership;

  const writing = createWriting({ client, clock, log, onRetry: request }, signal);
  const injector = createInjector(
    {
      client,
      clock,
      log,
      pods: watched.pods,
      view,
      injector: options.injector,
      configuration: config.injector.configuration,
      onChange: request,
    },
    signal,
  );

  pass = async () => {
    refreshNetwork();
    const next = plan({
      connections: writing.connections(watched.connections.values()),
      intercepts: writing.intercepts(watched.intercepts.values()),
      view: viewOf(
        watched,
        config.interceptable,
        new Set([...watched.intercepts.values()].map(namespaceOf)),
      ),
      namespace: (name) => watched.namespaces.get(name),
      facts: {
        isHere: (uid) => relay.isHere(uid),
        isAttached: (podUid) => agents.isAttached(podUid),
        takeState: (podUid, interceptUid) => agents.takeState(podUid, interceptUid),
      },
      injectionRefusals: injector.refusals,
      manager: { publicKey: options.publicKey, ca: options.ca, version: config.version },
      lifetimes: { graceMs: config.interceptGraceMs, ttlMs: config.connectionTtlMs },
      nowMs: clock.now(),
      startedMs,
      replicas: { own: options.own.pod, runs },
      policiesAgainst: (workload) => policiesAgainstAgents(watched, config, workload),
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
        refusedSubnets: ownAddresses(watched, config.namespace),
        ownNamespacesOnly: config.outbound === 'namespaces',
        logLevel: logLevel ?? '',
      },
      signal,
    );
    agents.publish(next.takes, managerAddresses(watched, config.namespace), logLevel ?? '');
    passes.set(passes.value + 1);
    if (!leading.isLeader) {
      injector.need(new Map());
      writing.presence(next);
      return;
    }
    injector.need(next.injections);
    writing.all(next, { settling: clock.monotonic() - startedAt < settleMs });
    // Somebody waits for an agent: that it does not come must be found out soon.
    const isWaiting = [...next.interceptStatus.values()].some(({ state }) => state === 'Waiting');
    waiting?.[Symbol.dispose]();
    waiting = isWaiting ? clock.after(waitingMs, request) : undefined;
    await writing.sweep(next);
  };

  starting.use(clock.every(tickMs, request));
  starting.defer(() => waiting?.[Symbol.dispose]());
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
            listWorkloads: (namespace) =>
              listWorkloads(view(), namespace, watched.intercepts.values()),
            passes,
            setLogLevel: async (level, ms, waiting) => {
              const own = connectionOf(connectionUid);
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
            namespace: () => connectionOf(connectionUid)?.metadata.namespace,
            open: async (names, waiting) => await openTo(connectionUid, names, waiting),
            dialsAll: config.outbound === 'cluster',
          },
          router,
        ),
      agent: (router, identity) => agents.serve(router, identity),
      relay: (router) => relay.serve(router),
    },
    settled: async () => await loop.settled(),
    abdicate: async () => await leading.release(),
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}
