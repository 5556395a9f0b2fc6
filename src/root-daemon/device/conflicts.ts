import type { MachineRoute } from '#host/routes.ts';
import { formatSubnet, overlaps, subtract } from '#host/subnets.ts';
import { contains, formatIp, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import { RootDaemonError } from '../errors.ts';
import type { Rules } from '../rules/rules.ts';

/** What `tel0` is to carry: all that is routed, without what stays as it was. */
export function deviceSubnets(rules: Rules): Subnet[] {
  const sparedAddresses = rules.sparedPorts.map(({ address }) => ({
    ...address,
    prefix: address.family === 4 ? 32 : 128,
  }));
  return subtract(withoutRepetition(rules.routed), [...rules.spared, ...sparedAddresses]);
}

/** What the machine reaches already. */
export interface Reached {
  readonly routes: readonly MachineRoute[];
  /** Service addresses of a cluster on this machine: they are never routes. */
  readonly kubeProxy: readonly IpAddress[];
  /** Subnets that the user has given up for the cluster's. */
  readonly allowed?: readonly Subnet[];
}

/** What the machine uses a subnet for, for people; undefined where nothing is in the way. */
export function findConflict(subnet: Subnet, reached: Reached): string | undefined {
  const { allowed = [] } = reached;
  const isAllowed = (one: Subnet): boolean =>
    allowed.some((by) => by.prefix <= one.prefix && contains(by, one));
  if (isAllowed(subnet)) return undefined;
  const route = reached.routes.find(
    (one) => overlaps(one.subnet, subnet) && !isAllowed(one.subnet),
  );
  if (route !== undefined) return `the route ${route.text}`;
  const service = reached.kubeProxy.find(
    (address) => contains(subnet, address) && !isAllowed(whole(address)),
  );
  return service === undefined
    ? undefined
    : `a local cluster's service address ${formatIp(service)}`;
}

/** Refuses subnets that the machine uses for something else, and names it. */
export function refuseConflicts(subnets: readonly Subnet[], reached: Reached): void {
  for (const subnet of subnets) {
    const other = findConflict(subnet, reached);
    if (other === undefined) continue;
    const wanted = formatSubnet(subnet);
    throw new RootDaemonError(
      'SubnetConflict',
      `the cluster's subnet ${wanted} overlaps with ${other}`,
      {
        facts: {
          subnet: wanted,
          conflict: other,
          hint: `know it by virtual addresses here: telepresence connect --vnat ${wanted}; or leave it to this machine: --never-proxy ${wanted}; or let the cluster have it: --allow-conflicting-subnets ${wanted}`,
        },
      },
    );
  }
}

function whole(address: IpAddress): Subnet {
  return { ...address, prefix: address.family === 4 ? 32 : 128 };
}

/** Subnets that lie in others of the list add nothing, and the kernel would refuse the second. */
function withoutRepetition(subnets: readonly Subnet[]): Subnet[] {
  return subnets.filter((one, index) => {
    const holds = (other: Subnet, at: number): boolean =>
      contains(other, one) &&
      (other.prefix < one.prefix || (other.prefix === one.prefix && at < index));
    return !subnets.some(holds);
  });
}
