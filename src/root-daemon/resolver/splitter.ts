import { createServer } from 'node:net';

import { systemCode } from '#base/errors.ts';

import { serveTcp } from './tcp-server.ts';
import { serveUdp, type SplitterDeps } from './udp-server.ts';

/** The DNS splitter: listens where the queries to the machine's nameservers are redirected. */
export interface Splitter extends AsyncDisposable {
  /** The same number for UDP and TCP, on each of the hosts. */
  readonly port: number;
  /** Where it listens: those that this machine has. */
  readonly hosts: readonly string[];
}

interface Options {
  /** The first must be there. */
  readonly hosts: readonly [string, ...string[]];
  readonly signal: AbortSignal;
}

/** Listens on a port that is free for UDP and TCP on all hosts that there are. */
export async function startSplitter(deps: SplitterDeps, options: Options): Promise<Splitter> {
  const [first, ...others] = options.hosts;
  const { signal } = options;
  for (;;) {
    await using stack = new AsyncDisposableStack();
    const tcp = stack.use(await serveTcp(deps, { host: first, port: 0, signal }));
    const { port } = tcp;
    const hosts = [first];
    try {
      stack.use(await serveUdp(deps, { host: first, port, signal }));
      for (const host of others) {
        if (!(await isHere(host))) continue;
        stack.use(await serveTcp(deps, { host, port, signal }));
        stack.use(await serveUdp(deps, { host, port, signal }));
        hosts.push(host);
      }
    } catch (error) {
      if (systemCode(error) === 'EADDRINUSE') continue;
      throw error;
    }
    const owned = stack.move();
    return { port, hosts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }
}

/** Whether this machine has the address: IPv6 may be switched off. */
async function isHere(host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ host, port: 0 }, () => server.close(() => resolve(true)));
  return await promise;
}
