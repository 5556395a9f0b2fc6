import { parseIp } from '#protocol/ip-address.ts';
import type { IpAddress } from '#protocol/ip-address.ts';

import type { RunTool } from './run-tool.ts';

/**
 * Service addresses that a cluster on this very machine uses: kube-proxy's rules. Service subnets
 * are never routes, so that a conflict with them shows nowhere else.
 */
export async function readKubeProxyAddresses(
  deps: { readonly runTool: RunTool },
  signal: AbortSignal,
): Promise<IpAddress[]> {
  // Only these tables: listing others could fail on what newer programs put there.
  const tables = ['ip nat', 'ip6 nat', 'ip kube-proxy', 'ip6 kube-proxy'];
  const listings = await Promise.all(
    tables.map((table) =>
      deps
        .runTool({ command: 'nft', args: ['list', 'table', ...table.split(' ')] }, signal)
        .catch((): string => {
          signal.throwIfAborted();
          return '';
        }),
    ),
  );
  return listings.flatMap(findServiceAddresses);
}

/** Reads one table as nft prints it: iptables' KUBE-SERVICES chain, or kube-proxy's own service map. */
export function findServiceAddresses(listing: string): IpAddress[] {
  const found: IpAddress[] = [];
  const blocks = listing.matchAll(
    /^\tchain KUBE-SERVICES \{\n(.*?)^\t\}|^\tmap service-ips \{\n(.*?)^\t\}/gms,
  );
  for (const [, chain, map] of blocks) {
    const addresses =
      chain === undefined
        ? (map ?? '').matchAll(/(\S+) \. \S+ \. \S+ : /g)
        : chain.matchAll(/daddr (\S+)/g);
    for (const [, text = ''] of addresses) {
      const address = parseIp(text);
      if (address !== undefined) found.push(address);
    }
  }
  return found;
}
