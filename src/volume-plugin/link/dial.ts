import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import {
  createFirstLineReader,
  encodeGreeting,
  readAnswer,
  type FilesGreeting,
} from '#protocol/sftp/files-port.ts';
import { VolumePluginError } from '../errors.ts';

/** Where files are served, and by what right they are read. */
export interface FilesPlace extends FilesGreeting {
  readonly host: string;
  readonly port: number;
}

/** Longer than the daemon waits for an agent. */
const dialMs = 9000;

/** A connection that was granted; SFTP begins on it. */
export async function dialFiles(
  deps: { readonly clock: Pick<Clock, 'after'> },
  { host, port, ...greeting }: FilesPlace,
  signal: AbortSignal,
): Promise<Socket> {
  const what = `files at ${host}:${String(port)}`;
  const socket = createConnection({ host, port, noDelay: true });
  socket.on('error', () => {});
  try {
    await withDeadline(deps, { ms: dialMs, what, signal }, async (waiting) => {
      await once(socket, 'connect', { signal: waiting });
      socket.write(encodeGreeting(greeting));
      const why = readAnswer(await firstLine(socket));
      if (why !== undefined) throw new VolumePluginError('Refused', why);
    });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function firstLine(socket: Socket): Promise<string> {
  const reader = createFirstLineReader();
  const found = Promise.withResolvers<string>();
  const onData = (chunk: Buffer): void => {
    try {
      const first = reader.push(chunk);
      if (first === undefined) return;
      socket.off('data', onData);
      socket.pause();
      if (first.rest.length > 0) socket.unshift(first.rest);
      found.resolve(first.line);
    } catch (error) {
      found.reject(error);
    }
  };
  socket.on('data', onData);
  socket.once('close', () =>
    found.reject(new VolumePluginError('Refused', 'the connection to the files was closed')),
  );
  return await found.promise;
}
