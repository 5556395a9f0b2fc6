import { contains, formatIp, parseIp, parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import type { NodeObject, PodObject, ServiceCidrObject, ServiceObject } from './cluster-objects.ts';

/** The cluster's own address ranges. */
export interface Network {
  readonly serviceSubnets: readonly string[];
  readonly podSubnets: readonly string[];
}

/** Which of the sources counts: the Helm value podCIDRStrategy. */
type PodCidrStrategy = 'auto' | 'environment' | 'nodePodCIDRs' | 'coverPodIPs';

// How wide a range is guessed around an address that nobody explains.
const guessedServiceBits = { 4: 16, 6: 112 } as const;
const guessedPodBits = { 4: 24, 6: 64 } as const;

/**
 * Where Services and pods are. Said by ServiceCIDRs, by the admin or by nodes; an address outside of
 * what is said is covered by a guess around it.
 */
export function networkOf(world: {
  readonly serviceCidrs: Iterable<ServiceCidrObject>;
  readonly services: Iterable<ServiceObject>;
  readonly nodes: Iterable<NodeObject>;
  readonly pods: Iterable<PodObject>;
  readonly podCIDRs: readonly string[];
  readonly strategy?: PodCidrStrategy;
}): Network {
  const said = [...world.serviceCidrs].flatMap((one) => one.spec.cidrs);
  const clusterIPs = [...world.services].flatMap((service) => service.spec.clusterIPs);
  const nodeCidrs = [...world.nodes].flatMap((node) => node.spec.podCIDRs);
  const podIPs = [...world.pods].flatMap((pod) =>
    pod.spec.hostNetwork ? [] : [pod.status.podIP ?? [], pod.status.podIPs].flat(),
  );
  const given = world.podCIDRs.length > 0;
  const { cidrs, addresses } = {
    auto: { cidrs: given ? world.podCIDRs : nodeCidrs, addresses: given ? [] : podIPs },
    environment: { cidrs: world.podCIDRs, addresses: [] },
    nodePodCIDRs: { cidrs: nodeCidrs, addresses: [] },
    coverPodIPs: { cidrs: [], addresses: podIPs },
  }[world.strategy ?? 'auto'];
  return {
    serviceSubnets: covered(said, clusterIPs, guessedServiceBits),
    podSubnets: covered(cidrs, addresses, guessedPodBits),
  };
}

/** The subnets that are said, joined where one contains another, and guesses for what they miss. */
function covered(
  said: readonly string[],
  addresses: readonly string[],
  guess: Readonly<Record<4 | 6, number>>,
): string[] {
  const subnets = said.flatMap((text) => parseSubnet(text) ?? []);
  const widest = subnets.filter(
    (subnet, index) =>
      !subnets.some(
        (other, at) =>
          at !== index &&
          contains(other, subnet) &&
          (other.prefix < subnet.prefix || (other.prefix === subnet.prefix && at < index)),
      ),
  );
  for (const text of addresses) {
    const address = parseIp(text);
    if (address === undefined || widest.some((subnet) => contains(subnet, address))) continue;
    const prefix = guess[address.family];
    const rest = BigInt((address.family === 4 ? 32 : 128) - prefix);
    widest.push({ ...address, value: (address.value >> rest) << rest, prefix });
  }
  return widest.map(formatSubnet).toSorted();
}

function formatSubnet(subnet: Subnet): string {
  return `${formatIp(subnet)}/${String(subnet.prefix)}`;
}
