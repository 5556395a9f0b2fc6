import { once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { describe } from '#base/errors.ts';
import {
  ConnectionInfoSchema,
  type ConnectionInfo,
  type ConnectRequest,
  type RootStatus,
} from '#protocol/gen/telepresence_pb.ts';
import { findHolder } from '#host/port-holder.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { createRelayDialer } from '#kube/dial-relay.ts';
import { takeReverseFlows } from '../flows/reverse-flows.ts';
import { createInterceptTable } from '../intercept/intercept-table.ts';
import { watchOwnIntercepts } from '../intercept/own-intercepts.ts';
import { openIntercepts, type Intercepts } from '../intercept/intercepts.ts';
import { createMounts } from '../mounts/mounts.ts';
import { createOpenFiles } from '../mounts/open-files.ts';
import { createPodPorts } from '../pod-ports/pod-ports.ts';
import { createClusterModel, type ClusterModel } from '../names/cluster-model.ts';
import type { NamesSaid } from '../names/held-names.ts';
import { announce } from './announce.ts';
import { followCluster, type ClusterLink } from './cluster-link.ts';
import { openLaptopNetwork, type LaptopNetwork } from './laptop-network.ts';
import { followByRights, type SeenWorkload } from './list-by-rights.ts';
import { managerPresence, managerService, notServed } from './manager-presence.ts';
import type { PathMemory } from './path-memory.ts';
import { isSameConnection } from './same-connection.ts';
import type { SessionDeps } from './session-deps.ts';
import { refuseOverlap } from './overlap.ts';
import { settling } from './settling.ts';
import { removeStaleConnections } from './stale-connections.ts';
import { openTunnels, type Tunnels } from './tunnels.ts';
import { untilUp } from './until-up.ts';
import { refuseUndialable, untilVia } from './until-via.ts';
import { settingWarnings, withSettings } from './with-settings.ts';

/** One connection to one cluster. Disposing it gives everything back, objects and machine. */
export interface Session extends AsyncDisposable {
  readonly info: ConnectionInfo;
  /** UID of our Connection object. */
  readonly connectionUid: string;
  readonly mappedNamespaces: readonly string[];
  readonly tunnels: Tunnels;
  readonly link: ClusterLink;
  readonly model: ClusterModel;
  readonly intercepts: Intercepts;
  readonly client: KubeClient;
  /** Tells of the workloads of any namespace, as our own rights show them, until this ends. */
  followByRights(
    namespace: string,
    signal: AbortSignal,
    onWorkloads: (workloads: readonly SeenWorkload[]) => void,
  ): Promise<void>;
  /** Resolves when the Connection object was deleted by somebody else. */
  readonly deleted: Promise<void>;
  rootStatus(signal: AbortSignal): Promise<RootStatus>;
  /** Answers names as is said, until disposed; resolves when the machine asks for them. */
  holdNames(
    names: NamesSaid,
    signal: AbortSignal,
  ): Promise<Disposable & { readonly ended: Promise<void> }>;
  /** Resolves when the machine is as this session wants it. */
  machineApplied(signal: AbortSignal): Promise<void>;
  /** Whether a request asks for what this session is. */
  matches(request: ConnectRequest, access: ClusterAccess): boolean;
}

/** Connects; what was begun is taken back when it fails or `signal` aborts. */
export async function openSession(
  deps: SessionDeps,
  options: {
    readonly request: ConnectRequest;
    readonly access: ClusterAccess;
    readonly report: (text: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<Session> {
  const { access, report, signal } = options;
  const request = withSettings(options.request, access);
  const { managerNamespace, timeouts } = request;
  const via = [...new Set(request.proxyVia.map(({ workload }) => workload))];
  const facts = { managerNamespace };
  await using stack = new AsyncDisposableStack();
  const client = stack.use(createKubeClient({ ...deps, access }));

  report('Looking for the traffic-manager');
  const { username, rights, signer, connection, apiServer, memory } = stack.use(
    await announce(deps, {
      client,
      access,
      managerNamespace,
      clusterConnectMs: timeouts?.clusterConnectMs,
      via,
      report,
      signal,
    }),
  );

  report('Opening tunnels');
  const { table, own } = stack.adopt(
    trackIntercepts(deps, client, connection.uid),
    async (tracked) => await tracked.own[Symbol.asyncDispose](),
  );
  let network: LaptopNetwork | undefined;
  const changed = stack.use(settling(deps, () => network?.apply()));
  const model = createClusterModel(() => changed.run());
  const tunnels: Tunnels = stack.use(
    openTunnels(
      {
        ...deps,
        signer,
        dialer: createRelayDialer(
          { ...deps, access, client },
          {
            target: { namespace: managerNamespace, service: managerService, portName: 'api' },
            pin: {
              ca: connection.managerCa,
              serverName: `${managerService}.${managerNamespace}`,
            },
            remembered: memory.remembered,
            onOutcome: notePaths(deps, memory),
          },
        ),
      },
      {
        namespace: connection.namespace,
        name: connection.name,
        uid: connection.uid,
        managerKey: connection.managerKey,
        onFlow: takeReverseFlows({ ...deps, findTarget: table.findTarget }),
      },
    ),
  );
  const scope = { namespace: access.namespace, mapped: request.mappedNamespaces };
  const link = stack.use(
    followCluster({ ...deps, control: tunnels.control, model }, { namespaces: scope.mapped }),
  );
  network = stack.use(
    await openLaptopNetwork(deps, {
      request,
      scope,
      apiServer,
      model,
      link,
      pickSession: () => tunnels.pickOutbound(),
    }),
  );
  const laptop = network;
  await untilUp(deps, { tunnels, link, facts, ms: timeouts?.managerConnectMs, signal });
  if (model.info !== undefined) {
    const asked = request.proxyVia.map(({ subnet }) => subnet);
    refuseUndialable(asked, model.info);
    refuseOverlap(deps.containerSubnets?.() ?? [], model.info);
  }
  const ms = timeouts?.interceptMs;
  await untilVia(deps, { connection, via, managerNamespace, ms, report, signal });
  report('Setting up this machine');
  laptop.apply();
  await laptop.applied(signal);

  const mounts = stack.use(
    createMounts({ ...deps, memory: deps.mountMemory, openFiles: createOpenFiles(tunnels) }),
  );
  // Whoever has ended an intercept: its volumes are not ours to see any more.
  stack.use(
    table.follow(() => void mounts.retain(table.intercepts.map(({ metadata }) => metadata.uid))),
  );
  const podPorts = stack.use(
    createPodPorts({ ...deps, findHolder, pickSession: () => tunnels.pickOutbound() }),
  );
  stack.use(
    table.follow(() => podPorts.retain(table.intercepts.map(({ metadata }) => metadata.uid))),
  );
  const intercepts = openIntercepts(
    {
      ...deps,
      client,
      table,
      own,
      connection,
      tunnels,
      mounts,
      podPorts,
      services: () => model.services.values(),
      ...(timeouts?.interceptMs ? { activeMs: timeouts.interceptMs } : {}),
      mayIntercept: async (namespace, asking) => {
        await rights.forIntercepting(username, namespace, asking);
        if (namespace === access.namespace) return;
        const where = { namespace: managerNamespace, connected: namespace, signal: asking };
        const there = await managerPresence(client, where);
        if (there.kind === 'notServed') throw notServed(there, namespace, managerNamespace);
      },
    },
    { onCount: (count) => tunnels.setIntercepting(count > 0) },
  );
  stack.defer(async () => await intercepts.leaveAll());
  const ending = new AbortController();
  stack.defer(() => ending.abort(new Error('the session ends')));
  void removeStaleConnections(
    { ...deps, client },
    { ...connection.spec, namespace: access.namespace, uid: connection.uid, signal: ending.signal },
  );
  const owned = stack.move();
  const info = create(ConnectionInfoSchema, {
    context: access.context,
    namespace: access.namespace,
    server: access.server.href.replace(/\/$/, ''),
    managerNamespace,
    name: request.name === '' ? access.context : request.name,
    warnings: settingWarnings(access),
  });
  return {
    info,
    client,
    mappedNamespaces: scope.mapped,
    tunnels,
    link,
    model,
    intercepts,
    connectionUid: connection.uid,
    async followByRights(namespace, asking, onWorkloads) {
      const until = AbortSignal.any([asking, ending.signal]);
      await followByRights({ ...deps, client }, { namespace, signal: until }, onWorkloads);
    },
    deleted: connection.deleted,
    machineApplied: async (waiting) => await laptop.applied(waiting),
    rootStatus: async (asking) => await laptop.status(asking),
    async holdNames(names, asking) {
      using held = new DisposableStack();
      held.use(laptop.names.hold(names));
      await laptop.applied(asking);
      const owned = held.move();
      return { ended: aborted(ending.signal), [Symbol.dispose]: () => owned.dispose() };
    },
    matches: (other, otherAccess) => {
      const meant = withSettings(other, otherAccess);
      return (
        meant.managerNamespace === managerNamespace &&
        isSameConnection({ request, access, name: info.name }, meant, otherAccess)
      );
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Remembers the path that works; logs each other one when its reason changes. */
function notePaths(
  deps: Pick<SessionDeps, 'log'>,
  memory: PathMemory,
): NonNullable<Parameters<typeof createRelayDialer>[1]['onOutcome']> {
  const logged = new Map<string, string>();
  return ({ via, error }) => {
    const code = error?.code ?? 'works';
    if (error === undefined) memory.remember(via);
    else if (logged.get(via) !== code) {
      deps.log.info('path to the manager failed', { via, reason: describe(error) });
    }
    logged.set(via, code);
  };
}

function trackIntercepts(deps: SessionDeps, client: KubeClient, connectionUid: string) {
  const table = createInterceptTable();
  const { signal } = new AbortController();
  const own = watchOwnIntercepts({ ...deps, client, table }, { connectionUid, signal });
  return { table, own };
}
