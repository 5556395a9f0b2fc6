import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '#base/errors.ts';
import { helperSockets as socketsOf } from '#docker/helper-socket.ts';
import { DockerHelper, type DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { unaryCall } from '../daemon/connect-call.ts';
import { callError, isListening } from '../daemon/user-daemon-client.ts';
import { CliError } from '../errors.ts';

/** Calls the helper of a connection in a container, by its unix socket. */
export function createHelperClient(path: string) {
  const socket = { path, name: 'helper' } as const;
  return {
    describe: unaryCall(socket, DockerHelper.method.describe),
    quit: unaryCall(socket, DockerHelper.method.quit),
  };
}

/** The helper of a connection. */
export function helperOf(
  { places }: Pick<CliContext, 'places'>,
  { connection }: { readonly connection: string },
): ReturnType<typeof createHelperClient> {
  return createHelperClient(socketsOf(places.runtimeDir, places.platform).pathOf(connection));
}

/** Sockets of helpers: those that live, and those that a killed one has left. */
export async function helperSockets(
  context: Pick<CliContext, 'places'>,
): Promise<{ readonly live: readonly string[]; readonly left: readonly string[] }> {
  const { runtimeDir, platform } = context.places;
  const sockets = socketsOf(runtimeDir, platform);
  const { directory } = sockets;
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const paths = names.filter((name) => sockets.owns(name)).map((name) => join(directory, name));
  const live = new Set<string>();
  for (const path of paths) if (await isListening(path)) live.add(path);
  return { live: [...live], left: paths.filter((path) => !live.has(path)) };
}

/** The connections in containers that there are. */
export async function listDockerConnections(
  context: Pick<CliContext, 'places' | 'signal'>,
): Promise<readonly DescribeResponse[]> {
  const { live } = await helperSockets(context);
  const { signal } = context;
  try {
    return await Promise.all(
      live.map(async (path) => await createHelperClient(path).describe({}, { signal })),
    );
  } catch (error) {
    throw callError(error);
  }
}

/** The daemon of the one connection in a container that is meant, or undefined where there is none. */
export async function findDockerDaemon(context: CliContext): Promise<DescribeResponse | undefined> {
  const meant = await findDockerDaemons(context);
  const [one, ...others] = meant;
  if (one === undefined || others.length === 0) return one;
  throw new CliError('Failed', `there are ${String(meant.length)} connections: ${shown(meant)}`, {
    hint: chooseOne,
  });
}

/** Every connection in a container, or those that `--use` names; an error where it names none of them. */
export async function findDockerDaemons(context: CliContext): Promise<readonly DescribeResponse[]> {
  const all = await listDockerConnections(context);
  const meant = all.filter(({ connection }) => matcher(context.use)(connection));
  if (meant.length > 0 || all.length === 0) return meant;
  throw new CliError('Failed', `no connection is called ${context.use ?? ''}: ${shown(all)}`, {
    hint: chooseOne,
  });
}

const chooseOne = 'say which one is meant: --use NAME';

function shown(some: readonly DescribeResponse[]): string {
  return some
    .map(
      ({ connection, context: of, namespace }) => `${connection} (${of}, namespace ${namespace})`,
    )
    .toSorted()
    .join(', ');
}

function matcher(use: string | undefined): (name: string) => boolean {
  if (use === undefined) return () => true;
  try {
    const pattern = new RegExp(use);
    return (name) => pattern.test(name);
  } catch (cause) {
    throw new CliError('Usage', `invalid argument "${use}" for "--use": it is no pattern`, {
      cause,
    });
  }
}
