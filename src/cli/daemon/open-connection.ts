import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ConnectEvent,
  ConnectionInfo,
  ConnectRequestSchema,
} from '#protocol/gen/telepresence_pb.ts';
import { dnsSettings, timeouts } from '#protocol/client-settings.ts';
import { readClientConfig, type ClientConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { launchDaemons } from './launch-daemons.ts';
import { follow } from './session.ts';
import { createUserDaemonClient, type UserDaemonClient } from './user-daemon-client.ts';

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
): Promise<OpenConnection> {
  const { config } = await readClientConfig(context.places.configFile);
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
  const info = await follow<ConnectEvent, ConnectionInfo>(context, events, ({ event }) => {
    if (event.case === 'progress') return { progress: event.value };
    return event.case === 'connected' ? { result: event.value } : undefined;
  });
  if (!info.alreadyConnected) {
    context.print(
      `Connected to context ${info.context}, namespace ${info.namespace} (${info.server})`,
    );
  }
  return { daemon, info, events };
}

type Request = MessageInitShape<typeof ConnectRequestSchema>;

/** What was typed, and beside it what the file says; subnets of both are meant. */
function withConfig(
  request: Request,
  { cluster, routing, dns, timeouts: waits }: ClientConfig,
): Request {
  return {
    ...request,
    defaultManagerNamespace: cluster.defaultManagerNamespace,
    defaultMappedNamespaces: cluster.mappedNamespaces,
    dns: dnsSettings(dns),
    timeouts: timeouts(waits),
    alsoProxy: [...(request.alsoProxy ?? []), ...routing.alsoProxySubnets],
    neverProxy: [...(request.neverProxy ?? []), ...routing.neverProxySubnets],
    allowConflictingSubnets: [
      ...(request.allowConflictingSubnets ?? []),
      ...routing.allowConflictingSubnets,
    ],
  };
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
