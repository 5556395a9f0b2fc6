import { contains, formatIp, type Subnet } from '#protocol/ip-address.ts';

/** The subnet as text, its host bits cleared: `10.96.0.0/12`. */
export function formatSubnet(subnet: Subnet): string {
  return `${formatIp(withoutHostBits(subnet))}/${subnet.prefix}`;
}

/** Whether two subnets have an address in common. */
export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.prefix <= other.prefix ? contains(one, other) : contains(other, one);
}

/** The subnets without the addresses of `holes`, as the fewest subnets that say so. */
export function subtract(subnets: readonly Subnet[], holes: readonly Subnet[]): Subnet[] {
  return subnets.flatMap((subnet) => {
    const inside = holes.filter((hole) => overlaps(subnet, hole));
    if (inside.length === 0) return [withoutHostBits(subnet)];
    if (inside.some((hole) => hole.prefix <= subnet.prefix)) return [];
    return subtract(halves(subnet), inside);
  });
}

function halves(subnet: Subnet): [Subnet, Subnet] {
  const prefix = subnet.prefix + 1;
  const { family, value } = withoutHostBits(subnet);
  const upper = value | (1n << BigInt(bitsOf(subnet) - prefix));
  return [
    { family, value, prefix },
    { family, value: upper, prefix },
  ];
}

function withoutHostBits(subnet: Subnet): Subnet {
  const shift = BigInt(bitsOf(subnet) - subnet.prefix);
  return { ...subnet, value: (subnet.value >> shift) << shift };
}

function bitsOf({ family }: Subnet): number {
  return family === 4 ? 32 : 128;
}
