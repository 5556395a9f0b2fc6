import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { silentDaemon } from './still-there.ts';
import {
  callError,
  createUserDaemonClient,
  isListening,
  type UserDaemonClient,
} from './user-daemon-client.ts';

/** The running user daemon, or undefined: for commands that tell what is, and start nothing. */
export async function findUserDaemon(context: CliContext): Promise<UserDaemonClient | undefined> {
  const { userDaemonSocket } = context.places;
  return (await isListening(userDaemonSocket))
    ? createUserDaemonClient(userDaemonSocket)
    : undefined;
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
): Promise<T> {
  const patience = AbortSignal.timeout(ms);
  try {
    return await call(async () => await run(AbortSignal.any([context.signal, patience])));
  } catch (error) {
    if (!patience.aborted || context.signal.aborted) throw error;
    throw callError(silentDaemon({ path: context.places.userDaemonSocket, name: 'user' }, ms));
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
