import {
  contains,
  parseIp,
  parseSubnet,
  type IpAddress,
  type Subnet,
} from '#protocol/ip-address.ts';

/** Which addresses are the cluster's. */
export interface RoutedSubnets {
  /** Replaces what is routed, and what in it is not. */
  set(options: { readonly routed: readonly string[]; readonly never: readonly string[] }): void;
  contains(address: string): boolean;
  containsIp(address: IpAddress): boolean;
}

/** An empty set of routed subnets. */
export function createRoutedSubnets(): RoutedSubnets {
  let routed: readonly Subnet[] = [];
  let never: readonly Subnet[] = [];
  const containsIp = (address: IpAddress): boolean => {
    const isIn = (subnet: Subnet): boolean => contains(subnet, address);
    return routed.some(isIn) && !never.some(isIn);
  };
  return {
    set(options) {
      routed = parseAll(options.routed);
      never = parseAll(options.never);
    },
    contains(text) {
      const address = parseIp(text);
      return address !== undefined && containsIp(address);
    },
    containsIp,
  };
}

function parseAll(texts: readonly string[]): readonly Subnet[] {
  return texts.flatMap((text) => parseSubnet(text) ?? []);
}
