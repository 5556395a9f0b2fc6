import { connect, type Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ReadPeerCredentials } from '#host/peer-credentials.ts';
import { withDnsId } from '#protocol/dns-answer.ts';
import { dnsCodes } from '#protocol/dns-message.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';

/** What the user daemon said to a query: an answer, "not ours", or nothing in time. */
export type ClusterAnswer =
  | { readonly kind: 'answer'; readonly message: Buffer }
  | { readonly kind: 'not-ours' }
  | { readonly kind: 'silent' };

/** Asks the user daemon about names. */
export interface ClusterAnswers extends Disposable {
  ask(query: Buffer): Promise<ClusterAnswer>;
}

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly readPeerCredentials: ReadPeerCredentials;
}

interface Options {
  readonly socketPath: string;
  /** Whose process must be listening there. */
  readonly ownerUid: number;
  readonly answerMs: number;
}

const silent: ClusterAnswer = { kind: 'silent' };

/**
 * Keeps one connection to the user daemon's unix socket, with queries framed as over TCP and under
 * IDs of our own, so that any number is under way at once. A lost connection answers all of them
 * with silence and is made again for the next query.
 */
export function askClusterBy(deps: Deps, options: Options): ClusterAnswers {
  const waiting = new Map<number, (answer: ClusterAnswer) => void>();
  let connection: Socket | undefined;
  let lastId = 0;

  const drop = (socket: Socket): void => {
    if (connection !== socket) return;
    connection = undefined;
    for (const answer of waiting.values()) answer(silent);
  };
  const open = (): Socket => {
    const socket = connect(options.socketPath);
    const reader = createDnsFrameReader();
    // Queries wait in the socket until it is connected; to anybody else's they must not go.
    socket.cork();
    socket.once('connect', () => {
      const peer = deps.readPeerCredentials(socket);
      if (peer?.uid === options.ownerUid || peer?.uid === 0) socket.uncork();
      else socket.destroy(new Error(`it belongs to user ${peer?.uid ?? 'unknown'}`));
    });
    socket.on('data', (chunk: Buffer) => {
      for (const message of reader.push(chunk)) {
        if (message.length >= 12) waiting.get(message.readUInt16BE(0))?.(read(message));
      }
    });
    socket.on('error', (error) => {
      deps.log.warning('the user daemon does not answer names', { reason: describe(error) });
    });
    socket.once('close', () => drop(socket));
    socket.unref();
    return socket;
  };

  return {
    async ask(query) {
      if (waiting.size > 0xf000 || query.length < 12) return silent;
      do lastId = (lastId + 1) & 0xffff;
      while (waiting.has(lastId));
      const id = lastId;
      const answered = Promise.withResolvers<ClusterAnswer>();
      waiting.set(id, answered.resolve);
      using _deadline = deps.clock.after(options.answerMs, () => answered.resolve(silent));
      try {
        connection ??= open();
        connection.write(frameDnsMessage(withDnsId(query, id)));
        const answer = await answered.promise;
        if (answer.kind !== 'answer') return answer;
        return { kind: 'answer', message: withDnsId(answer.message, query.readUInt16BE(0)) };
      } finally {
        waiting.delete(id);
      }
    },
    [Symbol.dispose]() {
      connection?.destroy();
    },
  };
}

function read(message: Buffer): ClusterAnswer {
  const code = message.readUInt16BE(2) & 15;
  return code === dnsCodes.refused ? { kind: 'not-ours' } : { kind: 'answer', message };
}
