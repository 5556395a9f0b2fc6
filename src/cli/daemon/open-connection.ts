import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ConnectEvent,
  ConnectionInfo,
  ConnectRequestSchema,
} from '#protocol/gen/telepresence_pb.ts';
import { dnsSettings, routedSubnets, timeouts } from '#protocol/client-settings.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { ClientConfig } from '../config/config-schema.ts';
import { heededConfig, tellMeaningless } from '../config/heeded-config.ts';
import type { CliContext } from '../context.ts';
import { launchDaemons } from './launch-daemons.ts';
import { listDockerConnections } from '../docker/helpers.ts';
import type { SandboxWishes } from '../docker/launch-helper.ts';
import { CliError } from '../errors.ts';
import { call, follow } from './session.ts';
import {
  createUserDaemonClient,
  isListening,
  type UserDaemonClient,
} from './user-daemon-client.ts';

/** A connection, and the call that made it: while it is held, its end is the connection's. */
export interface OpenConnection {
  readonly daemon: UserDaemonClient;
  readonly info: ConnectionInfo;
  readonly events: AsyncGenerator<ConnectEvent>;
}

/** Starts the daemons that do not run, and connects; says where, unless it was so before. */
export async function openConnection(
  context: CliContext,
  request: Request,
  options: {
    readonly found?: FoundConfig;
    readonly inDocker: boolean;
    /** Of a container's network, where one is started. */
    readonly sandbox?: SandboxWishes;
  },
): Promise<OpenConnection> {
  const settings = options.found ?? (await heededConfig(context));
  const { config } = settings;
  if (options.inDocker) {
    await refuseBesideHost(context);
    const { openDockerConnection } = await import('../docker/open-docker-connection.ts');
    const { sandbox } = options;
    const asked = { request: withConfig(request, config), settings, sandbox };
    return await openDockerConnection(context, asked);
  }
  await refuseBesideDocker(context);
  await launchDaemons(context, config.logLevels);
  const { places, env, cwd, signal } = context;
  const daemon = createUserDaemonClient(places.userDaemonSocket);
  const events = daemon.connect(
    {
      ...withConfig(request, config),
      // Credential plugins are this shell's, whichever shell started the daemon.
      environment: defined(env),
      rootDaemonSocket: places.rootDaemonSocket,
      directory: cwd,
    },
    { signal },
  );
  const info = await followConnect(context, events);
  if (!info.alreadyConnected) {
    tellMeaningless(context, settings);
    for (const warning of info.warnings) context.warn(`telepresence: warning: ${warning}`);
    context.print(
      `Connected to context ${info.context}, namespace ${info.namespace} (${info.server})`,
    );
  }
  return { daemon, info, events };
}

/** What the daemon says of a connection in the end; progress is shown meanwhile. */
export async function followConnect(
  context: CliContext,
  events: AsyncGenerator<ConnectEvent>,
): Promise<ConnectionInfo> {
  return await follow<ConnectEvent, ConnectionInfo>(context, events, ({ event }) => {
    if (event.case === 'progress') return { progress: event.value };
    return event.case === 'connected' ? { result: event.value } : undefined;
  });
}

/** One laptop in two networks of one cluster would be two answers to one name. */
export async function refuseBesideHost(context: CliContext): Promise<void> {
  const { userDaemonSocket } = context.places;
  if (!(await isListening(userDaemonSocket))) return;
  const host = createUserDaemonClient(userDaemonSocket);
  const { connection, status } = await call(
    async () => await host.status({}, { signal: context.signal }),
  );
  if (connection === undefined || status === 'Not connected') return;
  const where = `context ${connection.context}, namespace ${connection.namespace}`;
  throw new CliError('Failed', `this machine itself is connected to ${where}, without --docker`, {
    hint: 'end that connection first: telepresence quit',
  });
}

async function refuseBesideDocker(context: CliContext): Promise<void> {
  const [one] = await listDockerConnections(context);
  if (one === undefined) return;
  const where = `context ${one.context}, namespace ${one.namespace}`;
  throw new CliError('Failed', `a container is connected to ${where} (${one.connection})`, {
    hint: 'end that connection first: telepresence quit; or go on with it: telepresence connect --docker',
  });
}

type Request = MessageInitShape<typeof ConnectRequestSchema>;

/** What was typed, and beside it what the file says; subnets of both are meant. */
function withConfig(
  request: Request,
  { cluster, routing, dns, timeouts: waits }: ClientConfig,
): Request {
  const routed = routedSubnets(routing);
  return {
    ...request,
    defaultManagerNamespace: cluster.defaultManagerNamespace,
    defaultMappedNamespaces: cluster.mappedNamespaces,
    dns: dnsSettings(dns),
    timeouts: timeouts(waits),
    alsoProxy: [...(request.alsoProxy ?? []), ...routed.alsoProxy],
    neverProxy: [...(request.neverProxy ?? []), ...routed.neverProxy],
    allowConflictingSubnets: [
      ...(request.allowConflictingSubnets ?? []),
      ...routed.allowConflictingSubnets,
    ],
    virtualSubnet: routing.virtualSubnet ?? cluster.virtualIPSubnet ?? '',
    autoResolveConflicts: routing.autoResolveConflicts,
  };
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
