import type { DnsData } from '#protocol/dns-record.ts';
import { formatIp, parseIp, type IpAddress } from '#protocol/ip-address.ts';
import type { VirtualAddresses } from '#protocol/virtual/addresses.ts';
import { reversedAddress } from './resolve-name.ts';

type Shown = Pick<VirtualAddresses, 'active' | 'shown' | 'meant' | 'isVirtual'>;

/** The name to ask for, where the name of a virtual address is asked. */
export type MeantName =
  | { readonly kind: 'itself' }
  /** The labels of the real address's name. */
  | { readonly kind: 'real'; readonly labels: readonly string[] }
  /** A virtual address that was given to nobody. */
  | { readonly kind: 'nobodys' };

/** What is meant by a name that is asked for. */
export function meantName(virtual: Shown, labels: readonly string[]): MeantName {
  const kind = labels.at(-2);
  if (!virtual.active || labels.at(-1) !== 'arpa' || (kind !== 'in-addr' && kind !== 'ip6')) {
    return { kind: 'itself' };
  }
  const address = parseIp(reversedAddress(labels) ?? '');
  if (address === undefined || !virtual.isVirtual(address)) return { kind: 'itself' };
  const target = virtual.meant(address);
  if (target === undefined) return { kind: 'nobodys' };
  return { kind: 'real', labels: reverseLabels(target.address) };
}

/** An answer with the addresses by which programs are to know what is in it; undefined when none is left. */
export function shownData(virtual: Shown, data: DnsData): DnsData | undefined {
  if (!virtual.active || (data.kind !== 'A' && data.kind !== 'AAAA')) return data;
  const real = parseIp(data.address);
  if (real === undefined) return data;
  const shown = virtual.shown(real);
  return shown === undefined ? undefined : { ...data, address: formatIp(shown) };
}

function reverseLabels({ family, value }: IpAddress): string[] {
  const [parts, bits, base] = family === 4 ? [4, 8n, 10] : [32, 4n, 16];
  const mask = (1n << bits) - 1n;
  const labels = Array.from({ length: parts }, (_, at) =>
    ((value >> (BigInt(at) * bits)) & mask).toString(base),
  );
  return [...labels, family === 4 ? 'in-addr' : 'ip6', 'arpa'];
}
