import { formatSubnet, overlaps } from '#host/subnets.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type { ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';

/**
 * Refuses a container's network that has addresses of the cluster: nothing is lost yet, and whoever made
 * the network makes another one. It is told all that is to be kept clear of.
 */
export function refuseOverlap(
  own: readonly string[],
  info: Pick<ClusterInfo, 'serviceSubnets' | 'podSubnets' | 'alsoProxy'>,
): void {
  const cluster = subnets(...info.serviceSubnets, ...info.podSubnets, ...info.alsoProxy);
  for (const network of subnets(...own)) {
    const met = cluster.find((one) => overlaps(one, network));
    if (met === undefined) continue;
    const [mine, its] = [formatSubnet(network), formatSubnet(met)];
    throw new UserDaemonError(
      'NetworkOverlaps',
      `the containers' network ${mine} overlaps with the cluster's ${its}`,
      { facts: { network: mine, avoid: cluster.map(formatSubnet).join(',') } },
    );
  }
}
