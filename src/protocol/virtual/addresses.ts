import { contains, type IpAddress, type Subnet } from '../ip-address.ts';
import { createVirtualRange, type VirtualRange } from './range.ts';

/** Which addresses of the cluster a laptop knows by others. */
export interface VirtualRules {
  /** Where virtual addresses are: one subnet of a family at most. */
  readonly ranges: readonly Subnet[];
  /** Whose addresses are virtual. */
  readonly virtual: readonly Subnet[];
  /** The same, and what goes to them leaves from a pod of a workload; the first that fits is heard. */
  readonly via: readonly { readonly subnet: Subnet; readonly workload: string }[];
  /** Left alone whatever else is said. */
  readonly spared: readonly Subnet[];
}

/** Where a flow really goes. */
export interface RealTarget {
  readonly address: IpAddress;
  /** The workload that it leaves from; undefined: whoever dials usually. */
  readonly via: string | undefined;
}

/** The addresses of the cluster as a laptop knows them. */
export interface VirtualAddresses {
  /** Takes new rules; addresses that were given away stay what they are. */
  set(rules: VirtualRules): void;
  /** False where every address is what it is: nothing has to be asked then. */
  readonly active: boolean;
  /** By what address programs get to know this one: often itself; undefined when none is left for it. */
  shown(real: IpAddress): IpAddress | undefined;
  /** What programs mean by an address; undefined for a virtual one that was given to nobody. */
  meant(shown: IpAddress): RealTarget | undefined;
  isVirtual(address: IpAddress): boolean;
  /** How many virtual addresses are in use, and how many there can be. */
  readonly ranges: readonly Pick<VirtualRange, 'subnet' | 'given' | 'most'>[];
}

const none: VirtualRules = { ranges: [], virtual: [], via: [], spared: [] };

/** Every address is what it is, until rules say otherwise. */
export function createVirtualAddresses(): VirtualAddresses {
  let rules = none;
  let ranges: readonly VirtualRange[] = [];
  const isIn = (subnets: readonly Subnet[], address: IpAddress): boolean =>
    subnets.some((subnet) => contains(subnet, address));
  const rangeOf = (family: 4 | 6): VirtualRange | undefined =>
    ranges.find(({ subnet }) => subnet.family === family);
  const viaOf = (address: IpAddress): string | undefined =>
    isIn(rules.spared, address)
      ? undefined
      : rules.via.find(({ subnet }) => contains(subnet, address))?.workload;
  const hasAnother = (address: IpAddress): boolean =>
    !isIn(rules.spared, address) && (isIn(rules.virtual, address) || viaOf(address) !== undefined);

  return {
    set(next) {
      rules = next;
      ranges = next.ranges.map((subnet) => {
        const known = ranges.find((one) => isSame(one.subnet, subnet));
        return known ?? createVirtualRange(subnet);
      });
    },
    get active() {
      return ranges.length > 0 && (rules.virtual.length > 0 || rules.via.length > 0);
    },
    shown(real) {
      const range = rangeOf(real.family);
      return range === undefined || !hasAnother(real) ? real : range.virtualOf(real);
    },
    meant(shown) {
      const range = ranges.find(({ subnet }) => contains(subnet, shown));
      const address = range === undefined ? shown : range.realOf(shown);
      return address === undefined ? undefined : { address, via: viaOf(address) };
    },
    isVirtual: (address) => ranges.some(({ subnet }) => contains(subnet, address)),
    get ranges() {
      return ranges;
    },
  };
}

function isSame(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.prefix === b.prefix && contains(a, b);
}
