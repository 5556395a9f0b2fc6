import { Agent } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { systemCode } from '#base/errors.ts';
import { FailureSchema, UserDaemon } from '#protocol/gen/telepresence_pb.ts';
import { CliError } from '../errors.ts';
import { failureSentence } from '../output/failure-sentence.ts';

export type UserDaemonClient = Client<typeof UserDaemon>;

/** Calls the user daemon by its unix socket; each call is a connection of its own. */
export function createUserDaemonClient(socketPath: string): UserDaemonClient {
  const agent = new Agent({ keepAlive: false });
  return createClient(
    UserDaemon,
    createConnectTransport({
      httpVersion: '1.1',
      baseUrl: 'http://user-daemon',
      nodeOptions: { socketPath, agent },
    }),
  );
}

/** What a call was rejected with, as the error that the CLI prints. */
export function callError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = ConnectError.from(thrown);
  const failure = error.findDetails(FailureSchema)[0];
  if (failure !== undefined) {
    const { message, hint } = failureSentence(failure);
    return new CliError(failure.code === 'Cancelled' ? 'Interrupted' : 'Failed', message, {
      cause: thrown,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (error.code === Code.Canceled) {
    return new CliError('Interrupted', 'interrupted', { cause: thrown });
  }
  const text = error.rawMessage;
  return new CliError('Daemon', `the user daemon hung up: ${text}`, {
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
