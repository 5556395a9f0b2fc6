/**
 * The addresses from which the kubelet comes: its node's, or, where the node is the gateway of its
 * pods (bridge, ptp, Cilium), the gateway's. `routeTable` is the text of /proc/net/route.
 */
export function nodeAddresses(options: {
  readonly hostIp: string | undefined;
  readonly routeTable: string;
}): ReadonlySet<string> {
  const { hostIp, routeTable } = options;
  const addresses = new Set(routeTable.split('\n').flatMap(gatewayIn));
  if (hostIp !== undefined && hostIp !== '') addresses.add(hostIp);
  return addresses;
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
