import { createServer, type Socket } from 'node:net';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';
import { listenPrivately } from '../private-socket.ts';

/** Answers one raw query; undefined where the bytes are no query. */
export type Answer = (query: Buffer, signal: AbortSignal) => Promise<Buffer | undefined>;

interface Deps {
  readonly log: Logger;
  readonly answer: Answer;
}

/** Answers queries on a unix stream socket, framed as DNS over TCP is (RFC 1035 4.2.2). */
export async function serveNames(deps: Deps, path: string): Promise<AsyncDisposable> {
  const ending = new AbortController();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    serveOne(deps, socket, ending.signal);
  });
  // Private: the splitter that asks is root's.
  await listenPrivately(server, { path, signal: ending.signal });
  return {
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('names are no longer answered'));
      const closed = Promise.withResolvers<undefined>();
      server.close(() => closed.resolve(undefined));
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/** Queries of one connection are answered as their answers come, not in order: each has its id. */
function serveOne(deps: Deps, socket: Socket, signal: AbortSignal): void {
  const frames = createDnsFrameReader();
  socket.on('data', (chunk: Buffer) => {
    for (const query of frames.push(chunk)) {
      deps.answer(query, signal).then(
        (answer) => {
          if (answer !== undefined && socket.writable) socket.write(frameDnsMessage(answer));
        },
        (error: unknown) => {
          deps.log.warning('query not answered', { reason: describe(error) });
        },
      );
    }
  });
}
