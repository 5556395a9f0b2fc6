import type { ConnectEvent, ConnectionInfo } from '#protocol/gen/telepresence_pb.ts';
import { launchDaemons } from '../daemon/launch-daemons.ts';
import { call, follow } from '../daemon/session.ts';
import { createUserDaemonClient } from '../daemon/user-daemon-client.ts';
import { readSubnets } from '../parse/subnet.ts';
import { runCommand } from '../run-command.ts';
import type { RunCommand } from './command-spec.ts';
import { readKubeFlags } from './kube-flags.ts';

/** `telepresence connect [-- COMMAND]` */
export const runConnect: RunCommand = async (context, line) => {
  const alsoProxy = readSubnets(line, 'also-proxy');
  const neverProxy = readSubnets(line, 'never-proxy');
  await launchDaemons(context);
  const daemon = createUserDaemonClient(context.places.userDaemonSocket);
  const events = daemon.connect(
    {
      kube: readKubeFlags(line),
      managerNamespace:
        line.text('manager-namespace') ?? context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ?? '',
      name: line.text('name') ?? '',
      mappedNamespaces: [...line.list('mapped-namespaces')],
      alsoProxy,
      neverProxy,
      environment: defined(context.env),
      rootDaemonSocket: context.places.rootDaemonSocket,
      directory: context.cwd,
    },
    { signal: context.signal },
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
  if (line.command === undefined) return 0;
  try {
    return await runCommand(context, line.command, {});
  } finally {
    // A connection that was there before is somebody else's to end.
    if (!info.alreadyConnected) await call(async () => await daemon.disconnect({}));
  }
};

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
