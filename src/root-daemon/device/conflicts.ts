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

/** Refuses subnets that the machine uses for something else, and names it. */
export function refuseConflicts(subnets: readonly Subnet[], reached: Reached): void {
  const { allowed = [] } = reached;
  const isAllowed = (one: Subnet): boolean =>
    allowed.some((by) => by.prefix <= one.prefix && contains(by, one));
  for (const subnet of subnets.filter((one) => !isAllowed(one))) {
    const route = reached.routes.find(
      (one) => overlaps(one.subnet, subnet) && !isAllowed(one.subnet),
    );
    const service = reached.kubeProxy.find(
      (address) => contains(subnet, address) && !isAllowed(whole(address)),
    );
    if (route === undefined && service === undefined) continue;
    const other =
      route === undefined
        ? `a local cluster's service address ${service === undefined ? '' : formatIp(service)}`
        : `the route ${route.text}`;
    const wanted = formatSubnet(subnet);
    throw new RootDaemonError(
      'SubnetConflict',
      `the cluster's subnet ${wanted} overlaps with ${other}`,
      {
        facts: {
          subnet: wanted,
          conflict: other,
          hint: `leave it to this machine: telepresence connect --never-proxy ${wanted}; or let the cluster have it: Helm value client.routing.allowConflictingSubnets={${wanted}}`,
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
