import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ClusterAccess } from '#kube/cluster-access.ts';

/** An address that is never redirected: the API server's, and its proxy's where there is one. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** Where our own connections to the API server go, so that they do not go through themselves. */
export async function apiServerAddresses(
  access: Pick<ClusterAccess, 'server' | 'proxy' | 'dial'>,
): Promise<readonly ServerAddress[]> {
  // They are another machine's.
  if (access.dial !== undefined) return [];
  const urls = access.proxy === undefined ? [access.server] : [access.server, access.proxy];
  const found = await Promise.all(
    urls.map(async (url) => {
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
      if (isIP(host) !== 0) return [{ address: host, port }];
      // A name that only the proxy can resolve is not ours to protect.
      const addresses = await lookup(host, { all: true }).catch(() => []);
      return addresses.map(({ address }) => ({ address, port }));
    }),
  );
  return found.flat();
}
