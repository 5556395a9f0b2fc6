import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { resetEnd } from '#tunnel/splice.ts';
import { dialHandler } from './dial-handler.ts';
import type { HandlerTarget } from './handler-target.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
}

/** Above this much unsent the copy is not read: whoever sends it notices that we are slow. */
const highBytes = 256 * 1024;
/** Where a connection of HTTP/1 begins anew: another connection can go on from here. */
const requestLine = /^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/;
/** So much of a chunk is looked at. */
const lookAt = 8 * 1024;

/**
 * Gives a handler the copy of a connection, and throws away what it answers. The original's client
 * knows nothing of the handler: it goes on where the handler has hung up or was not there. So what it says then
 * goes to a new connection from the next request on, or nowhere where it is no HTTP/1.
 */
export function takeCopy(deps: Deps, flow: IncomingFlow, target: HandlerTarget): void {
  const { stream } = flow;
  let handler: Socket | undefined;
  let isFirst = true;
  let hasEnded = false;
  const cut = new AbortController();

  const connected = (socket: Socket): void => {
    handler = socket;
    socket.resume();
    socket.on('drain', () => stream.resume());
    // A handler that only hangs up its own side may go on listening.
    socket.once('close', () => {
      if (handler !== socket) return;
      handler = undefined;
      stream.resume();
    });
  };
  const write = (to: Socket, chunk: Buffer): void => {
    to.write(chunk);
    if (to.writableLength >= highBytes) stream.pause();
  };
  const dial = async (chunk: Buffer): Promise<void> => {
    handler?.end();
    handler = undefined;
    stream.pause();
    let socket: Socket;
    try {
      // Not the flow's own signal: a short one is over before its handler has answered.
      socket = await dialHandler(deps, target, cut.signal);
    } catch (error) {
      deps.log.debug('copy thrown away', { port: target.port, reason: describe(error) });
      stream.resume();
      return;
    }
    if (cut.signal.aborted) {
      resetEnd(socket, new Error('the copy was cut short'));
      return;
    }
    stream.resume();
    connected(socket);
    write(socket, chunk);
    if (hasEnded) socket.end();
  };

  stream.on('data', (chunk: Buffer) => {
    const hasHungUp = handler === undefined || handler.readableEnded;
    if (isFirst || (hasHungUp && requestLine.test(chunk.toString('latin1', 0, lookAt)))) {
      isFirst = false;
      void dial(chunk);
    } else if (handler?.writable === true) write(handler, chunk);
  });
  stream.once('end', () => {
    // One that was reset emits `end` too.
    if (stream.aborted || stream.rstCode !== 0 || stream.destroyed) return;
    hasEnded = true;
    handler?.end();
  });
  stream.once('close', () => {
    if (hasEnded) return;
    const reason = new Error('the copy was cut short');
    cut.abort(reason);
    if (handler !== undefined) resetEnd(handler, reason);
  });
  flow.accept();
  // Nobody waits for an answer: this direction is over.
  stream.end();
}
