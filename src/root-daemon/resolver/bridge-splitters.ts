import { systemCode } from '#base/errors.ts';

import { startSplitter, type Splitter } from './splitter.ts';
import type { SplitterDeps } from './udp-server.ts';

/** The splitter at addresses of bridges, which come and go. */
export interface BridgeSplitters extends AsyncDisposable {
  /** Listens at these and no others; returns the port of each at which it can be asked. */
  listenAt(hosts: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

/** Listens nowhere yet. */
export function createBridgeSplitters(deps: SplitterDeps): BridgeSplitters {
  const open = new Map<string, Splitter>();
  const end = async (host: string): Promise<void> => {
    const splitter = open.get(host);
    open.delete(host);
    await splitter?.[Symbol.asyncDispose]();
  };
  return {
    async listenAt(hosts, signal) {
      for (const host of open.keys()) if (!hosts.includes(host)) await end(host);
      for (const host of hosts) {
        if (open.has(host)) continue;
        try {
          open.set(host, await startSplitter(deps, { hosts: [host], signal }));
        } catch (error) {
          // The bridge has gone meanwhile.
          if (systemCode(error) !== 'EADDRNOTAVAIL') throw error;
        }
      }
      return new Map([...open].map(([host, { port }]) => [host, port]));
    },
    async [Symbol.asyncDispose]() {
      for (const host of open.keys()) await end(host);
    },
  };
}
