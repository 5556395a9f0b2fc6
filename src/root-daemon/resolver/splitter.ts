import { systemCode } from '#base/errors.ts';

import { serveTcp } from './tcp-server.ts';
import { serveUdp, type SplitterDeps } from './udp-server.ts';

/** The DNS splitter: listens where the queries to the machine's nameservers are redirected. */
export interface Splitter extends AsyncDisposable {
  /** The same number for UDP and TCP. */
  readonly port: number;
}

/** Listens on `host`, on a port that is free for both. */
export async function startSplitter(
  deps: SplitterDeps,
  listen: { readonly host: string; readonly signal: AbortSignal },
): Promise<Splitter> {
  for (;;) {
    await using stack = new AsyncDisposableStack();
    const tcp = stack.use(await serveTcp(deps, listen));
    try {
      stack.use(await serveUdp(deps, { ...listen, port: tcp.port }));
    } catch (error) {
      if (systemCode(error) === 'EADDRINUSE') continue;
      throw error;
    }
    const owned = stack.move();
    return { port: tcp.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }
}
