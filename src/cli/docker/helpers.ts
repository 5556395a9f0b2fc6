import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '#base/errors.ts';
import { helperSockets as socketsOf } from '#docker/helper-socket.ts';
import { DockerHelper, type DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { unaryCall } from '../daemon/connect-call.ts';
import { meantConnections, tooMany } from '../daemon/meant-connections.ts';
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

/** Ends what a command has started in vain: what failed is what matters, and it may be gone already. */
export async function endStarted(
  context: Pick<CliContext, 'places'>,
  of: { readonly connection: string },
): Promise<void> {
  await helperOf(context, of)
    .quit({})
    .catch(() => {});
}

/** Nobody waits longer for one that is starting or ending; in that time one that is stopped is known for it. */
const answerMs = 6000;

/**
 * The connections in containers that there are; one that does not answer is left out, unless it is the
 * only one.
 */
export async function listDockerConnections(
  context: Pick<CliContext, 'places' | 'signal'>,
): Promise<readonly DescribeResponse[]> {
  const late = AbortSignal.timeout(answerMs);
  const asked = await describeAll(context, AbortSignal.any([context.signal, late]));
  context.signal.throwIfAborted();
  const [failed] = asked.failures;
  if (asked.found.length > 0 || failed === undefined) return asked.found;
  if (!late.aborted) throw callError(failed);
  const seconds = String(answerMs / 1000);
  throw new CliError('Daemon', `the connection in a container is not ready (waited ${seconds} s)`, {
    cause: failed,
    hint: 'it is being made or ended: wait for that; or look at it: docker ps',
  });
}

/** The same for whoever may have to make one: those that are starting or ending are waited for. */
export async function knownDockerConnections(
  context: Pick<CliContext, 'places' | 'signal'>,
): Promise<readonly DescribeResponse[]> {
  const { found } = await describeAll(context, context.signal);
  context.signal.throwIfAborted();
  return found;
}

async function describeAll(
  context: Pick<CliContext, 'places'>,
  signal: AbortSignal,
): Promise<{ readonly found: readonly DescribeResponse[]; readonly failures: readonly unknown[] }> {
  const { live } = await helperSockets(context);
  const found: DescribeResponse[] = [];
  const failures: unknown[] = [];
  const ask = async (path: string): Promise<void> => {
    try {
      found.push(await createHelperClient(path).describe({}, { signal }));
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(live.map(ask));
  return { found: found.toSorted((a, b) => a.connection.localeCompare(b.connection)), failures };
}

/** The daemon of the one connection in a container that is meant, or undefined where there is none. */
export async function findDockerDaemon(context: CliContext): Promise<DescribeResponse | undefined> {
  const meant = await findDockerDaemons(context);
  if (meant.length > 1) throw tooMany(meant);
  return meant[0];
}

/** Every connection in a container, or those that `--use` names; an error where it names none of them. */
export async function findDockerDaemons(context: CliContext): Promise<readonly DescribeResponse[]> {
  return meantConnections(context.use, await listDockerConnections(context));
}
