import type { CliContext } from '../context.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import { findDockerDaemon, findDockerDaemons } from '../docker/helpers.ts';
import { CliError } from '../errors.ts';
import { meantConnections } from './meant-connections.ts';
import { silentDaemon, type DaemonSocket } from './still-there.ts';
import {
  callError,
  createUserDaemonClient,
  isListening,
  type UserDaemonClient,
} from './user-daemon-client.ts';

/** The running user daemon, or undefined: for commands that tell what is, and start nothing. */
export async function findUserDaemon(context: CliContext): Promise<UserDaemonClient | undefined> {
  return (await findDaemon(context))?.daemon;
}

/** A running user daemon, and where it runs. */
export interface FoundDaemon {
  readonly daemon: UserDaemonClient;
  /** Undefined: on this machine itself. */
  readonly inDocker: DescribeResponse | undefined;
}

/** The same, with what is known of its container. */
export async function findDaemon(context: CliContext): Promise<FoundDaemon | undefined> {
  const inDocker = await findDockerDaemon(context);
  if (inDocker !== undefined) return { daemon: dockerDaemonClient(inDocker), inDocker };
  const daemon = await findHostDaemon(context);
  return daemon && { daemon, inDocker };
}

/** Every running user daemon, or those that `--use` names. */
export async function findDaemons(context: CliContext): Promise<readonly FoundDaemon[]> {
  const inDocker = await findDockerDaemons(context);
  if (inDocker.length > 0) {
    return inDocker.map((one) => ({ daemon: dockerDaemonClient(one), inDocker: one }));
  }
  const daemon = await findHostDaemon(context);
  return daemon === undefined ? [] : [{ daemon, inDocker: undefined }];
}

/** The user daemon that runs on this machine itself, or undefined; an error where `--use` means another. */
export async function findHostDaemon({
  places,
  use,
  signal,
}: Pick<CliContext, 'places' | 'use' | 'signal'>): Promise<UserDaemonClient | undefined> {
  const { userDaemonSocket } = places;
  if (!(await isListening(userDaemonSocket))) return undefined;
  const daemon = createUserDaemonClient(userDaemonSocket);
  if (use === undefined) return daemon;
  const { connection } = await call(async () => await daemon.status({}, { signal }));
  if (connection !== undefined) {
    meantConnections(use, [{ ...connection, connection: connection.name }]);
  }
  return daemon;
}

/** The daemon in the container that a helper has told of. */
export function dockerDaemonClient({ port, token }: DescribeResponse): UserDaemonClient {
  return createUserDaemonClient({ port, token, name: 'user' });
}

/** The running user daemon, for commands that need a connection. */
export async function needUserDaemon(context: CliContext): Promise<UserDaemonClient> {
  const daemon = await findUserDaemon(context);
  if (daemon !== undefined) return daemon;
  throw new CliError('Failed', 'not connected to a cluster', {
    hint: 'connect first: telepresence connect',
  });
}

/** One call, with its rejection as a CliError. */
export async function call<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw callError(error);
  }
}

/** A call that the user daemon answers within `ms`, whatever it waits for itself. */
export async function callWithin<T>(
  context: Pick<CliContext, 'signal' | 'places'>,
  ms: number,
  run: (signal: AbortSignal) => Promise<T>,
  socket: DaemonSocket = { path: context.places.userDaemonSocket, name: 'user' },
): Promise<T> {
  const patience = AbortSignal.timeout(ms);
  try {
    return await call(async () => await run(AbortSignal.any([context.signal, patience])));
  } catch (error) {
    if (!patience.aborted || context.signal.aborted) throw error;
    throw callError(silentDaemon(socket, ms));
  }
}

/**
 * The event of a stream that is its result; progress is shown to a person who waits, a warning to a
 * script too. The stream is left as it is then: it may stay open for as long as the result is good.
 */
export async function follow<Event, Result>(
  context: CliContext,
  events: AsyncIterator<Event>,
  read: (
    event: Event,
  ) =>
    | { readonly progress: string }
    | { readonly warning: string }
    | { readonly result: Result }
    | undefined,
): Promise<Result> {
  return await call(async () => {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const part = read(next.value);
      if (part === undefined) continue;
      if ('result' in part) return part.result;
      if ('warning' in part) context.warn(`Warning: ${part.warning}`);
      else if (context.interactive) context.warn(part.progress);
    }
    throw new CliError('Daemon', 'the user daemon ended the call without a result');
  });
}
