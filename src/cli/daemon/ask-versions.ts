import type { CliContext } from '../context.ts';
import type { Versions } from '../output/version-lines.ts';
import { createRootDaemonClient } from './root-daemon-client.ts';
import { call, findDaemon } from './session.ts';
import { isListening } from './user-daemon-client.ts';

/** What the running daemons say of their and the manager's version. */
export async function askDaemonVersions(context: CliContext): Promise<Omit<Versions, 'client'>> {
  const { signal } = context;
  const askUser = async (): Promise<
    Omit<Versions, 'client' | 'rootDaemon'> & Partial<Versions>
  > => {
    const found = await findDaemon(context);
    if (found === undefined) {
      return { userDaemon: undefined, manager: undefined, agentImage: undefined };
    }
    const { daemon, inDocker } = found;
    const status = await call(async () => await daemon.status({}, { signal }));
    const connected = status.status === 'Connected';
    return {
      userDaemon: status.version?.version,
      manager: connected ? status.managerVersion : undefined,
      agentImage: connected ? status.agentImage : undefined,
      ...(inDocker === undefined ? {} : { rootDaemon: status.root?.version }),
    };
  };
  const [user, rootDaemon] = await Promise.all([askUser(), askRootVersion(context)]);
  return { rootDaemon, ...user };
}

/** The root daemon's version, or undefined where none runs. */
export async function askRootVersion({ places, signal }: CliContext): Promise<string | undefined> {
  if (!(await isListening(places.rootDaemonSocket))) return undefined;
  const client = createRootDaemonClient(places.rootDaemonSocket);
  return (await call(async () => await client.version({}, { signal }))).version;
}
