import { contains, type IpAddress, type Subnet } from '../ip-address.ts';

/** Pairs real addresses with virtual ones of a subnet; a pair stays for as long as this lives. */
export interface VirtualRange {
  readonly subnet: Subnet;
  /** The virtual address of a real one, the same at each call; undefined when none is left. */
  virtualOf(real: IpAddress): IpAddress | undefined;
  /** The real address behind a virtual one; undefined where it was given to nobody. */
  realOf(virtual: IpAddress): IpAddress | undefined;
  /** How many pairs there are, and how many there can be. */
  readonly given: number;
  readonly most: number;
}

/** Somebody who resolves names of a whole subnet shall not fill our memory. */
const mostPairs = 65_536;

/**
 * A range without pairs. An address gets the place that its last bits say, if nobody has it, so that a
 * person recognizes it, and so that it is mostly the same in the next session too.
 */
export function createVirtualRange(subnet: Subnet): VirtualRange {
  const { family, prefix } = subnet;
  const size = 1n << BigInt((family === 4 ? 32 : 128) - prefix);
  const base = subnet.value - (subnet.value % size);
  // Neither the subnet's own address nor its broadcast address; an IPv6 subnet has only the former.
  const first = size > 2n ? 1n : 0n;
  const last = size > 2n && family === 4 ? size - 2n : size - 1n;
  const places = last - first + 1n;
  const most = places < mostPairs ? Number(places) : mostPairs;
  const virtualByReal = new Map<bigint, bigint>();
  const realByVirtual = new Map<bigint, bigint>();

  const freePlace = (real: bigint): bigint => {
    let place = real % size;
    while (place < first || place > last || realByVirtual.has(base + place)) {
      place = (place + 1n) % size;
    }
    return base + place;
  };
  return {
    subnet: { family, value: base, prefix },
    most,
    get given() {
      return virtualByReal.size;
    },
    virtualOf(real) {
      if (real.family !== family) return undefined;
      const known = virtualByReal.get(real.value);
      if (known !== undefined) return { family, value: known };
      if (virtualByReal.size >= most) return undefined;
      const value = freePlace(real.value);
      virtualByReal.set(real.value, value);
      realByVirtual.set(value, real.value);
      return { family, value };
    },
    realOf(virtual) {
      if (!contains(subnet, virtual)) return undefined;
      const value = realByVirtual.get(virtual.value);
      return value === undefined ? undefined : { family, value };
    },
  };
}
