import { formatIp, parseIp } from '#protocol/ip-address.ts';

/**
 * The addresses from which the kubelet comes: its node's, or, where the node is the gateway of its
 * pods (bridge, ptp, Cilium), the gateway's. `routeTable` is the text of /proc/net/route, `routeTableV6` of ipv6_route.
 */
export function nodeAddresses(options: {
  readonly hostIps: readonly string[];
  readonly routeTable: string | undefined;
  readonly routeTableV6?: string | undefined;
}): ReadonlySet<string> {
  const { hostIps, routeTable = '', routeTableV6 = '' } = options;
  return new Set([
    ...hostIps,
    ...routeTable.split('\n').flatMap(gatewayIn),
    ...routeTableV6.split('\n').flatMap(gatewayInV6),
  ]);
}

/** The gateway of a line, where it is that of the default route. */
function gatewayIn(line: string): string[] {
  const [, destination, gateway = ''] = line.trim().split(/\s+/);
  if (destination !== '00000000' || !/^[0-9A-F]{8}$/.test(gateway) || /^0+$/.test(gateway)) {
    return [];
  }
  // The kernel writes the address as a number of the machine, which is little-endian everywhere.
  return [[...Buffer.from(gateway, 'hex')].reverse().join('.')];
}

/** The same of IPv6; a link-local gateway is not where probes come from. */
function gatewayInV6(line: string): string[] {
  const [destination, prefix, , , gateway = ''] = line.trim().split(/\s+/);
  if (destination !== '0'.repeat(32) || prefix !== '00' || !/^[0-9a-f]{32}$/.test(gateway))
    return [];
  const address = parseIp(gateway.replaceAll(/(.{4})(?!$)/g, '$1:'));
  if (address === undefined || address.value === 0n || gateway.startsWith('fe8')) return [];
  return [formatIp(address)];
}
