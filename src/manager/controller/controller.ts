import { managerName } from '#install/manifest.ts';
import type { ClusterView } from '../state/view.ts';
import { createAgentHub } from './agent-hub.ts';
import { visibleNamespaces, watchCluster, type ClusterWatch } from './cluster-watch.ts';
import type { ControllerDeps, ControllerOptions } from './controller-options.ts';
import { reviewDial } from './dial-review.ts';
import { createInjector } from './injector.ts';
import { createKnownCluster } from './known-cluster.ts';
import { createLaptopAccess } from './laptop-access.ts';
import { createLatest } from './latest.ts';
import { keepLeadership, type Leadership } from './leadership.ts';
import { createReconcileLoop } from './reconcile-loop.ts';
import { createReconcilePass, type ReconcilePass } from './reconcile-pass.ts';
import { createRelayHub } from './relay-hub.ts';
import { serveLaptops } from './serve-laptops.ts';
import { createServiceModel } from './service-model.ts';
import type { ControllerServices } from './socket-server.ts';
import { reviewAgentToken } from './token-review.ts';
import { addressOwners, viewOf } from './views.ts';
import { createWriting } from './writing.ts';

/** The controller, watching and reconciling. */
export interface Controller extends AsyncDisposable {
  /** What laptops, agents and the relay call. */
  readonly services: ControllerServices;
  /** Resolves when nothing is left to do at the moment. */
  settled(): Promise<void>;
  /** Leaves the writing to another manager, at once; everything else goes on. */
  abdicate(): Promise<void>;
}

/** Time passes without events: grace, ends, renewals. */
const tickMs = 5000;

/** Starts to watch and to reconcile: level-triggered, one pass at a time. */
export async function startController(
  deps: ControllerDeps,
  options: ControllerOptions,
): Promise<Controller> {
  const { client, clock, log } = deps;
  const { config, signal } = options;
  const started = { monotonicMs: clock.monotonic(), ms: clock.now() };
  await using starting = new AsyncDisposableStack();

  let cluster: ClusterWatch | undefined;
  const known = createKnownCluster(options);
  const services = createServiceModel(deps);
  const view = (): ClusterView => viewOf(cluster, config.interceptable);
  const passes = createLatest(0);
  const access = createLaptopAccess(deps, () => cluster?.connections.values() ?? []);

  let leadership: Leadership | undefined;
  let pass: ReconcilePass | undefined;
  const loop = createReconcileLoop(deps, async () => await pass?.run(), signal);
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
            open: async (uid, names, asking) => await access.openTo(uid, names, asking),
            alsoProxy: config.routing.alsoProxySubnets,
          },
          asked,
          waiting,
        ),
    },
    request,
  );

  const watched = starting.use(
    await watchCluster(deps, {
      namespaces: visibleNamespaces(config.namespaces, config.namespace),
      rollouts: config.interceptable.kinds.includes('Rollout'),
      onChange: () => {
        leadership?.look();
        request();
      },
      onService: (delta) => services.onService(delta),
      onSlice: (delta) => services.onSlice(delta),
      onNamespace: () => {
        if (cluster !== undefined) known.lookAtNamespaces(cluster);
      },
      onNetwork: request,
      signal,
    }),
  );
  cluster = watched;
  known.lookAtNamespaces(watched);
  const runs = (pod: string): boolean =>
    watched.pods.store.get(`${config.namespace}/${pod}`)?.status.running ?? false;
  const leading = starting.use(
    keepLeadership(deps, {
      namespace: config.namespace,
      name: managerName,
      own: options.own,
      runs,
      onChange: request,
      signal,
    }),
  );
  leadership = leading;
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
  pass = starting.use(
    createReconcilePass(
      {
        ...deps,
        started,
        watched,
        known,
        agents,
        relay,
        injector,
        writing: createWriting({ client, clock, log, onRetry: request }, signal),
        runs,
        isLeader: () => leading.isLeader,
        request,
        onTold: () => passes.set(passes.value + 1),
      },
      options,
    ),
  );
  starting.use(clock.every(tickMs, request));
  request();
  await loop.settled();
  const running = starting.move();
  return {
    services: {
      laptop: serveLaptops({ ...deps, services, known, view, passes, access, watched }, options),
      agent: (router, identity) => agents.serve(router, identity),
      relay: (router) => relay.serve(router),
    },
    settled: async () => await loop.settled(),
    abdicate: async () => await leading.release(),
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}
