import type { Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import {
  ConnectionInfoSchema,
  type ConnectionInfo,
  type ConnectRequest,
  type DnsSettings,
  type RootStatus,
} from '#protocol/gen/telepresence_pb.ts';
import { dnsOver } from '#protocol/client-settings.ts';
import type { ReadOriginalDestination } from '#host/original-destination.ts';
import type { OpenTunQueue } from '#host/tun-queue.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { createRelayDialer } from '#kube/dial-relay.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { createSigner } from '#tunnel/keys.ts';
import { clusterFailure } from '../errors.ts';
import { createDevice } from '../device/device.ts';
import { listenForOutbound, type PickSession } from '../flows/outbound-listener.ts';
import { takeReverseFlows } from '../flows/reverse-flows.ts';
import { createRoutedSubnets } from '../flows/routed-subnets.ts';
import { createInterceptTable } from '../intercept/intercept-table.ts';
import { watchOwnIntercepts } from '../intercept/own-intercepts.ts';
import { openIntercepts, type Intercepts } from '../intercept/intercepts.ts';
import { answerQuery } from '../names/answer-query.ts';
import { serveNames } from '../names/answer-socket.ts';
import { createClusterModel, type ClusterModel } from '../names/cluster-model.ts';
import { apiServerAddresses } from './api-server-address.ts';
import { followCluster, type ClusterLink } from './cluster-link.ts';
import { firstAnswer } from './first-answer.ts';
import { holdMachine, type Machine, type RootDaemonClient } from './machine.ts';
import { managerPresence, managerService, notServed } from './manager-presence.ts';
import { checkRights } from './needed-rights.ts';
import { createConnection, type OwnConnectionObject } from './own-connection.ts';
import { openPathMemory, type PathMemory } from './path-memory.ts';
import { isSameConnection } from './same-connection.ts';
import { settling } from './settling.ts';
import { removeStaleConnections } from './stale-connections.ts';
import { openTunnels, type Tunnels } from './tunnels.ts';
import { untilUp } from './until-up.ts';
import { adminsDns, wantedMachine } from './wanted-machine.ts';
import { withSettings } from './with-settings.ts';

/** What a session needs of the machine and its user. */
export interface SessionDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomInt: (below: number) => number;
  readonly log: Logger;
  readonly readOriginalDestination: ReadOriginalDestination;
  /** For each new connection to the API server. */
  readonly tuneSocket?: (socket: Socket) => void;
  /** How often a connection proves its rights anew; an hour unless said. */
  readonly renewEveryMs?: number;
  readonly openTunQueue: OpenTunQueue;
  /** Whether this user may open TUN devices at all. */
  readonly canReadDevice: boolean;
  readonly createRootDaemonClient: (socketPath: string) => RootDaemonClient;
  readonly userAgent: string;
  readonly home: string;
  /** user@laptop, for people. */
  readonly client: string;
  readonly installId: string;
  readonly answerSocket: string;
  readonly stateDir: string;
  /** How many programs want each of this machine's processors. */
  readonly loadPerCpu: () => number;
}

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
  /** Resolves when the Connection object was deleted by somebody else. */
  readonly deleted: Promise<void>;
  rootStatus(signal: AbortSignal): Promise<RootStatus>;
  /** Resolves when the machine is as this session wants it. */
  machineApplied(signal: AbortSignal): Promise<void>;
  /** Whether a request asks for what this session is. */
  matches(request: ConnectRequest, access: ClusterAccess): boolean;
}

const endMs = 5000;

/** The cluster that a request means. */
export async function accessFor(
  deps: Pick<SessionDeps, 'clock' | 'home'>,
  request: ConnectRequest,
): Promise<ClusterAccess> {
  try {
    return await loadClusterAccess(deps, {
      flags: kubeFlagsOf(request.kube, request.directory),
      env: request.environment,
      home: request.environment['HOME'] ?? deps.home,
      workingFolder: request.directory === '' ? '/' : request.directory,
    });
  } catch (error) {
    throw clusterFailure(error);
  }
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
  const facts = { managerNamespace };
  await using stack = new AsyncDisposableStack();
  const client = stack.use(createKubeClient({ ...deps, access }));

  report('Looking for the traffic-manager');
  const presence = managerPresence(client, {
    namespace: managerNamespace,
    connected: access.namespace,
    signal,
  });
  presence.catch(() => {});
  const rights = checkRights(client, {
    namespace: access.namespace,
    managerNamespace,
    presence,
    signal,
  });
  const signer = createSigner();
  const [user, apiServer, memory] = await Promise.all([
    firstAnswer(
      { ...deps, access, client },
      { ms: timeouts?.clusterConnectMs, report, signal },
    ).catch((error: unknown) => {
      throw clusterFailure(error, facts);
    }),
    apiServerAddresses(access),
    openPathMemory(deps, { stateDir: deps.stateDir, access }),
  ]);
  stack.defer(async () => await memory.written);
  await rights.forConnecting(user.username).catch((error: unknown) => {
    throw clusterFailure(error, facts);
  });
  const connection = stack.use(
    await createConnection(
      { ...deps, client },
      {
        namespace: access.namespace,
        managerNamespace,
        presence,
        signal,
        spec: {
          user: user.username,
          groups: provableGroups(user.groups),
          client: deps.client,
          installId: deps.installId,
          publicKey: signer.publicKey,
        },
      },
    ),
  );
  stack.defer(async () => await deleteConnection(deps, connection));

  report('Opening tunnels');
  const { table, own } = stack.adopt(
    trackIntercepts(deps, client, connection.uid),
    async (tracked) => await tracked.own[Symbol.asyncDispose](),
  );
  const routed = createRoutedSubnets();
  let apply = (): void => {};
  const changed = stack.use(settling(deps, () => apply()));
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
  const pickSession = (): ReturnType<PickSession> => tunnels.pickOutbound();
  const device = stack.use(createDevice({ ...deps, routed, pickSession }));
  const listener = stack.use(
    await listenForOutbound({ ...deps, routed, pickSession, gate: device.gate }),
  );
  const namesWanted = (): DnsSettings => dnsOver(request.dns, adminsDns(model.info));
  const lookup = async (query: Uint8Array, asking: AbortSignal): Promise<Uint8Array> =>
    await link.lookup(query, asking);
  stack.use(
    await serveNames(
      {
        log: deps.log,
        answer: async (query, asking) => {
          const mappings = namesWanted().mappings?.values ?? [];
          const asked = { log: deps.log, names: model, scope, mappings, lookup };
          return await answerQuery(asked, query, asking);
        },
      },
      deps.answerSocket,
    ),
  );
  const machine: Machine = stack.use(
    holdMachine({
      ...deps,
      client: deps.createRootDaemonClient(request.rootDaemonSocket),
      onApplied: () => readDevice(),
      onLost: () => void device.detach(),
    }),
  );
  let gate = deps.canReadDevice;
  const readDevice = (): void => {
    if (!gate) return;
    try {
      device.attach();
    } catch (error) {
      deps.log.warning('no UDP, no pings, and refused connections are accepted first', {
        reason: describe(error),
      });
      gate = false;
      apply();
    }
  };
  apply = () => {
    const { alsoProxy, neverProxy, allowConflictingSubnets: allowConflicting } = request;
    const wanted = wantedMachine(model, {
      redirectPort: listener.port,
      ipv6: listener.ipv6,
      answerSocket: deps.answerSocket,
      apiServer,
      namespace: scope.namespace,
      mappedNamespaces: scope.mapped,
      alsoProxy,
      neverProxy,
      allowConflicting,
      gate,
      dns: namesWanted(),
    });
    if (wanted === undefined) return;
    routed.set({ routed: [...wanted.subnets, ...wanted.alsoProxy], never: wanted.neverProxy });
    machine.want(wanted);
  };
  await untilUp(deps, { tunnels, link, facts, ms: timeouts?.managerConnectMs, signal });
  report('Setting up this machine');
  apply();
  await machine.applied(signal);

  const intercepts = openIntercepts(
    {
      ...deps,
      client,
      table,
      own,
      connection,
      tunnels,
      ...(timeouts?.interceptMs ? { activeMs: timeouts.interceptMs } : {}),
      mayIntercept: async (namespace, asking) => {
        await rights.forIntercepting(user.username, namespace, asking);
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
    deleted: connection.deleted,
    machineApplied: async (waiting) => await machine.applied(waiting),
    rootStatus: async (asking) => {
      const status = await machine.status(asking);
      if (status.dns === undefined) return status;
      const { excludes, mappings } = namesWanted();
      const said = { excludes: excludes?.values ?? [], mappings: mappings?.values ?? [] };
      return { ...status, dns: { ...status.dns, ...said } };
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

/** As many as the object holds; a user of more has the rights of these. */
function provableGroups(groups: readonly string[]): string[] {
  return groups.filter((group) => group.length <= 256).slice(0, 256);
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

async function deleteConnection(
  deps: Pick<SessionDeps, 'clock' | 'log'>,
  connection: OwnConnectionObject,
): Promise<void> {
  const { signal } = new AbortController();
  const ending = { ms: endMs, what: 'end of the connection', signal };
  const remove = async (waiting: AbortSignal): Promise<void> => {
    await connection.delete(waiting);
  };
  await withDeadline(deps, ending, remove).catch((error: unknown) => {
    deps.log.warning('connection not deleted', { reason: describe(error) });
  });
}
