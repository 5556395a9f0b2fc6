import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { ClientSession } from './client-session.ts';
import { TunnelError } from './errors.ts';

/** No name is resolved for it: the session decides who answers. */
const authority = 'http://tunnel';

/**
 * Makes Connect calls on a session, beside its flows. `headers` go with every call; the relay
 * reads there for whom a call is meant.
 */
export function rpcTransport(
  session: Pick<ClientSession, 'request'>,
  options?: { readonly headers?: OutgoingHttpHeaders },
): Transport {
  return createConnectTransport({
    baseUrl: authority,
    httpVersion: '2',
    sessionManager: {
      authority,
      async request(method, path, headers, requestOptions) {
        const all = { ...headers, ...options?.headers, ':method': method, ':path': path };
        const stream = session.request(all, requestOptions);
        return Object.assign(stream, { [Symbol.asyncIterator]: () => chunksOf(stream) });
      },
      notifyResponseByteRead() {},
    },
    // Messages are small, and a slow link is shared with flows anyway.
    acceptCompression: [],
  });
}

/**
 * The stream's bytes. Node's own iterator takes a stream that is closed for one that was cut,
 * although all of it may be there to be read: so it is wherever the connection is no socket
 * (port-forward) and an answer comes in one piece with its end.
 */
async function* chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer, undefined> {
  let changed = Promise.withResolvers<void>();
  const onChange = (): void => changed.resolve();
  const events = ['readable', 'end', 'error', 'close'] as const;
  for (const event of events) stream.on(event, onChange);
  try {
    for (;;) {
      const chunk: unknown = stream.read();
      if (Buffer.isBuffer(chunk)) {
        yield chunk;
        continue;
      }
      if (stream.readableEnded) return undefined;
      if (stream.errored !== null) throw stream.errored;
      if (stream.destroyed) throw new TunnelError('Lost', 'the answer was cut off');
      await changed.promise;
      changed = Promise.withResolvers<void>();
    }
  } finally {
    for (const event of events) stream.off(event, onChange);
  }
}
