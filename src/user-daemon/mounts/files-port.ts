import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import {
  beat,
  beatEveryMs,
  createFirstLineReader,
  encodeAnswer,
  readGreeting,
  type FilesGreeting,
} from '#protocol/sftp/files-port.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { packet } from '#protocol/sftp/wire.ts';
import type { OpenFiles } from './open-files.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly openFiles: OpenFiles;
}

interface Options {
  /** Of the sandbox, on the bridge: containers of that network and the engine's machine reach it. */
  readonly address: string;
  readonly token: string;
  readonly interceptUid: string;
  /** Whatever is asked, nothing is to be written. */
  readonly readOnly: boolean;
}

/** A TCP port at which whoever has the token gets an intercepted pod's files. */
export interface FilesPort extends AsyncDisposable {
  readonly port: number;
}

const greetWithinMs = 3000;
const openWithinMs = 8000;
/** Of strangers the one that has waited longest makes room. */
const mostUnproven = 32;

/** Serves until it is disposed, which ends what is being served. */
export async function serveFilesPort(deps: Deps, options: Options): Promise<FilesPort> {
  const isToken = comparesTo(options.token);
  const sockets = new Set<Socket>();
  const unproven = new Set<Socket>();
  const stopped = new AbortController();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      unproven.delete(socket);
    });
    const [longest] = unproven;
    if (unproven.size >= mostUnproven) longest?.destroy();
    unproven.add(socket);
    serve(socket).catch((error: unknown) => {
      deps.log.debug('files not served', { reason: describe(error) });
      socket.destroy();
    });
  });

  const serve = async (socket: Socket): Promise<void> => {
    const { signal } = stopped;
    const waiting = { ms: greetWithinMs, what: 'greeting', signal };
    const greeting = await withDeadline(deps, waiting, async (until) => {
      return await readFirst(socket, until);
    });
    // One answer for all that is wrong: it says nothing about the token.
    if (greeting === undefined || !isToken(greeting.token)) {
      socket.end(encodeAnswer('this port serves only volumes of its own'));
      socket.resume();
      return;
    }
    unproven.delete(socket);
    const { container } = greeting;
    const readOnly = options.readOnly || greeting.readOnly;
    const of = { interceptUid: options.interceptUid, container, readOnly };
    let stream: Duplex;
    try {
      const opening = { ms: openWithinMs, what: 'traffic-agent', signal };
      stream = await withDeadline(deps, opening, async (until) => await deps.openFiles(of, until));
    } catch (error) {
      socket.end(encodeAnswer(describe(error)));
      socket.resume();
      return;
    }
    if (socket.destroyed) {
      stream.destroy();
      return;
    }
    deps.log.info('files served', { container });
    socket.write(encodeAnswer(undefined));
    join(deps, socket, stream);
  };

  server.listen({ host: options.address, port: 0 });
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('the files are no longer served'));
      const closed = Promise.withResolvers<undefined>();
      server.close(() => closed.resolve(undefined));
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/** Carries SFTP both ways, and beats where nothing is said: a stopped daemon is told from a quiet one. */
function join({ clock }: Pick<Deps, 'clock'>, socket: Socket, stream: Duplex): void {
  const reader = createPacketReader();
  stream.on('error', () => {});
  const beating = clock.every(beatEveryMs, () => {
    if (socket.writableLength === 0) socket.write(beat);
  });
  const over = (): void => {
    beating[Symbol.dispose]();
    socket.destroy();
    stream.destroy();
  };
  const carried = async (): Promise<void> => {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('not bytes');
      // Only whole packets: between them a beat has its place, however long the next one takes.
      const whole = reader.push(chunk).map(({ type, body }) => packet(type, body));
      if (whole.length === 0) continue;
      if (!socket.write(Buffer.concat(whole))) await once(socket, 'drain', { signal: gone.signal });
    }
  };
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('closed')));
  carried().then(over, over);
  pipeline(socket, stream, over);
}

/** What the first line asks for; undefined for any other, and for an end before it. */
async function readFirst(socket: Socket, signal: AbortSignal): Promise<FilesGreeting | undefined> {
  const reader = createFirstLineReader();
  const found = Promise.withResolvers<FilesGreeting | undefined>();
  const onData = (chunk: Buffer): void => {
    try {
      const first = reader.push(chunk);
      if (first === undefined) return;
      socket.off('data', onData);
      socket.pause();
      if (first.rest.length > 0) socket.unshift(first.rest);
      found.resolve(readGreeting(first.line));
    } catch {
      found.resolve(undefined);
    }
  };
  const onEnd = (): void => found.resolve(undefined);
  const onAbort = (): void => found.reject(signal.reason);
  socket.on('data', onData);
  socket.once('end', onEnd);
  socket.once('close', onEnd);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await found.promise;
  } finally {
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Compares digests, whose length says nothing, in a time that says nothing either. */
function comparesTo(token: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return (given) => timingSafeEqual(digest(given), wanted);
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
