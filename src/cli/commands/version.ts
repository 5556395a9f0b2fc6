import { version } from '#base/version.ts';
import { helperSockets } from '#docker/helper-socket.ts';
import type { CliContext } from '../context.ts';
import { omitEmpty } from '../output/omit-empty.ts';
import { shownVersion, versionLines, type Versions } from '../output/version-lines.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence version` */
export const runVersion: RunCommand = async (context) => {
  const versions = await askVersions(context);
  const object = {
    client: shownVersion(versions.client),
    root_daemon: shownVersion(versions.rootDaemon),
    user_daemon: shownVersion(versions.userDaemon),
    traffic_manager: shownVersion(versions.manager),
    traffic_agent: versions.agentImage ?? '',
  };
  context.show({ text: versionLines(versions), object: omitEmpty(object) });
  return 0;
};

async function askVersions(context: CliContext): Promise<Versions> {
  const { existsSync } = await import('node:fs');
  const { userDaemonSocket, rootDaemonSocket, runtimeDir, platform } = context.places;
  const none = {
    client: version,
    rootDaemon: undefined,
    userDaemon: undefined,
    manager: undefined,
    agentImage: undefined,
  };
  // Loading the RPC library takes longer than all the rest of this command.
  const places = [
    userDaemonSocket,
    rootDaemonSocket,
    helperSockets(runtimeDir, platform).directory,
  ];
  if (!places.some((path) => existsSync(path))) return none;
  const { askDaemonVersions } = await import('../daemon/ask-versions.ts');
  return { ...none, ...(await askDaemonVersions(context)) };
}
