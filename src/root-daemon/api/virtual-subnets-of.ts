import type { MessageInitShape } from '@bufbuild/protobuf';

import { formatSubnet } from '#host/subnets.ts';
import type { VirtualSubnetSchema } from '#protocol/gen/telepresence_pb.ts';

import type { Settled } from '../device/virtual-subnets.ts';

/** What of the cluster is virtual here, as it goes over the wire. */
export function virtualSubnetsOf({
  virtual,
  ranges,
}: Pick<Settled, 'virtual' | 'ranges'>): MessageInitShape<typeof VirtualSubnetSchema>[] {
  return virtual.map(({ subnet, why = '' }) => {
    const range = ranges.find(({ family }) => family === subnet.family);
    return {
      subnet: formatSubnet(subnet),
      why,
      knownAs: range === undefined ? '' : formatSubnet(range),
    };
  });
}
