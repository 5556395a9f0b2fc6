import { create } from '@bufbuild/protobuf';
import { VirtualSubnetSchema, type RootStatus } from '#protocol/gen/telepresence_pb.ts';
import { contains, formatIp, parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import type { VirtualAddresses, VirtualRules } from '#protocol/virtual/addresses.ts';

/** The root daemon's status with what only we know of virtual addresses. */
export function withVirtual(
  status: RootStatus,
  virtual: Pick<VirtualAddresses, 'ranges'>,
  via: VirtualRules['via'],
): RootStatus {
  const shown = status.virtualSubnets.map((one) => {
    const subnet = parseSubnet(one.subnet);
    const rule = via.find((each) => subnet !== undefined && isSame(each.subnet, subnet));
    return rule === undefined ? one : { ...one, via: rule.workload };
  });
  const more = via
    .filter(({ subnet }) => !shown.some((one) => one.subnet === textOf(subnet)))
    .map(({ subnet, workload }) => {
      const range = virtual.ranges.find((one) => one.subnet.family === subnet.family);
      const knownAs = range === undefined ? '' : textOf(range.subnet);
      return create(VirtualSubnetSchema, { subnet: textOf(subnet), via: workload, knownAs });
    });
  const full = virtual.ranges.find(({ given, most }) => given >= most);
  const trouble =
    full === undefined
      ? ''
      : `all ${String(full.most)} virtual addresses of ${textOf(full.subnet)} are in use: name a larger routing.virtualSubnet`;
  return {
    ...status,
    virtualSubnets: [...shown, ...more],
    error: status.error === '' ? trouble : status.error,
  };
}

function textOf(subnet: Subnet): string {
  return `${formatIp(subnet)}/${String(subnet.prefix)}`;
}

function isSame(a: Subnet, b: Subnet): boolean {
  return a.prefix === b.prefix && contains(a, b);
}
