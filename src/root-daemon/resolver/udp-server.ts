import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { fitDnsAnswer } from '#protocol/dns-answer.ts';
import { decodeDnsMessage, udpAnswerLimit } from '#protocol/dns-message.ts';

import { answerFromCluster, type SplitNames } from './answer-query.ts';
import type { Upstream } from './upstream.ts';

/** What a server of redirected queries needs; asked anew for each query, as it may change. */
export interface SplitterDeps {
  readonly log: Logger;
  readonly names: () => SplitNames;
  readonly upstream: () => Upstream;
  /** It was only to be seen whether it arrives: there is no answer. */
  readonly wasExpected: (query: Buffer) => boolean;
}

/**
 * Answers redirected queries by UDP on `host:port`. The answer leaves by the same socket, so that
 * the kernel gives it back the nameserver's address.
 */
export async function serveUdp(
  deps: SplitterDeps,
  listen: { readonly host: string; readonly port: number; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const socket = createSocket(listen.host.includes(':') ? 'udp6' : 'udp4');
  let open = true;
  const answer = async (query: Buffer): Promise<Buffer | undefined> => {
    const own = await answerFromCluster(deps.names(), query);
    if (own === undefined) return await deps.upstream().ask(query);
    const message = decodeDnsMessage(query);
    return fitDnsAnswer(own, message === undefined ? 512 : udpAnswerLimit(message));
  };
  socket.on('message', (query, client) => {
    if (deps.wasExpected(query)) return;
    answer(query).then(
      (message) => {
        if (message !== undefined && open) socket.send(message, client.port, client.address);
      },
      (error: unknown) => deps.log.warning('query not answered', { reason: describe(error) }),
    );
  });
  const listening = once(socket, 'listening', { signal: listen.signal });
  socket.bind(listen.port, listen.host);
  await listening;
  // A client that is gone (ICMP) is no error of ours.
  socket.on('error', () => {});
  return {
    async [Symbol.asyncDispose]() {
      open = false;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
