import { connect as connectSocket } from 'node:net';
import { systemCode, toError } from '#base/errors.ts';
import { UserDaemon } from '#protocol/gen/telepresence_pb.ts';
import { CliError } from '../errors.ts';
import { failureSentence } from '../output/failure-sentence.ts';
import { DaemonCallError } from './answer-error.ts';
import { streamCall, unaryCall } from './connect-call.ts';
import type { DaemonSocket } from './still-there.ts';

/** Calls the user daemon, by its unix socket where it is a path; each call is a connection of its own. */
export function createUserDaemonClient(place: string | DaemonSocket) {
  const { method } = UserDaemon;
  const socket: DaemonSocket = typeof place === 'string' ? { path: place, name: 'user' } : place;
  return {
    socket,
    connect: streamCall(socket, method.connect, ({ event }) => event.case === 'connected'),
    status: unaryCall(socket, method.status),
    list: unaryCall(socket, method.list),
    intercept: streamCall(socket, method.intercept, ({ event }) => event.case === 'active'),
    leave: unaryCall(socket, method.leave),
    tryBridge: unaryCall(socket, method.tryBridge),
    holdNames: streamCall(socket, method.holdNames, () => true),
    disconnect: unaryCall(socket, method.disconnect),
    quit: unaryCall(socket, method.quit),
    watchList: streamCall(socket, method.watchList),
    uninstall: unaryCall(socket, method.uninstall),
    setLogLevel: unaryCall(socket, method.setLogLevel),
    gatherLogs: streamCall(socket, method.gatherLogs),
  };
}
export type UserDaemonClient = ReturnType<typeof createUserDaemonClient>;

/** What a call was rejected with, as the error that the CLI prints. */
export function callError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = thrown instanceof DaemonCallError ? thrown : undefined;
  if (error?.failure !== undefined) {
    const { message, hint } = failureSentence(error.failure);
    return new CliError(error.failure.code === 'Cancelled' ? 'Interrupted' : 'Failed', message, {
      cause: thrown,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (error?.code === 'Aborted') {
    return new CliError('Interrupted', 'interrupted', { cause: thrown });
  }
  if (error?.code === 'Told') return new CliError('Daemon', error.message, { cause: thrown });
  if (error?.code === 'Silent') {
    const { message, hint } = error;
    return new CliError('Daemon', message, {
      cause: thrown,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return new CliError('Daemon', `the daemon hung up: ${toError(thrown).message}`, {
    cause: thrown,
    hint: 'its log says why; start it anew: telepresence quit -s, telepresence connect',
  });
}

/** Whether somebody listens at a unix socket. */
export async function isListening(socketPath: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connectSocket(socketPath);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', (error) => {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve(false);
    else {
      reject(new CliError('Daemon', `${socketPath}: ${error.message}`, { cause: error }));
    }
  });
  return await promise;
}
