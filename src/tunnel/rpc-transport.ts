import type { OutgoingHttpHeaders } from 'node:http2';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { ClientSession } from './client-session.ts';

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
        return session.request(all, requestOptions);
      },
      notifyResponseByteRead() {},
    },
    // Messages are small, and a slow link is shared with flows anyway.
    acceptCompression: [],
  });
}
