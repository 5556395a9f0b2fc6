import { version } from '#base/version.ts';
import type { CliContext } from '../context.ts';
import { versionLines, type Versions } from '../output/version-lines.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence version` */
export const runVersion: RunCommand = async (context) => {
  for (const text of versionLines(await askVersions(context))) context.print(text);
  return 0;
};

async function askVersions(context: CliContext): Promise<Versions> {
  const { existsSync } = await import('node:fs');
  const { userDaemonSocket, rootDaemonSocket } = context.places;
  const none = {
    client: version,
    rootDaemon: undefined,
    userDaemon: undefined,
    manager: undefined,
    agentImage: undefined,
  };
  // Loading the RPC library takes longer than all the rest of this command.
  if (!existsSync(userDaemonSocket) && !existsSync(rootDaemonSocket)) return none;
  const { askDaemonVersions } = await import('../daemon/ask-versions.ts');
  return { ...none, ...(await askDaemonVersions(context)) };
}
