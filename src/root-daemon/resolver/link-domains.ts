import { maxLinkDomains, type LinkDomain } from '#host/resolved.ts';
import { containerSearch } from '#protocol/container-search.ts';
import { type Subnet } from '#protocol/ip-address.ts';

import type { NameRule } from './whose-name.ts';

/** More zones than these for one subnet are not worth it: its addresses then have no names. */
const maxZones = 16;

/**
 * The domains that systemd-resolved is to send to the splitter: those of the cluster, in the order of
 * their worth, as many as it takes for one link. A name in one of them that is not the cluster's goes
 * on to the nameserver from there, as when it is redirected.
 */
export function linkDomains(rule: NameRule): LinkDomain[] {
  const excluded = (name: string): boolean =>
    rule.excludeSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
  const routed = new Set([
    rule.clusterDomain,
    'svc',
    containerSearch,
    ...rule.includeSuffixes,
    // Those of one label are asked with a search domain.
    ...[...rule.mapped].filter((name) => name.includes('.')),
    ...[...rule.namespaces].filter((namespace) => !excluded(namespace)),
    ...rule.subnets.flatMap(reverseZones),
  ]);
  return [
    ...rule.search.map((name) => ({ name, routeOnly: false })),
    ...[...routed]
      .filter((name) => !rule.search.includes(name))
      .map((name) => ({ name, routeOnly: true })),
  ].slice(0, maxLinkDomains);
}

/** The zones of a subnet's reverse names; a zone ends after a byte of IPv4, four bits of IPv6. */
export function reverseZones({ family, value, prefix }: Subnet): string[] {
  const [bits, step, base] = family === 4 ? [32, 8, 10] : [128, 4, 16];
  const labels = Math.ceil(prefix / step);
  const count = 2 ** (labels * step - prefix);
  if (labels === 0 || count > maxZones) return [];
  const first = (value >> BigInt(bits - prefix)) << BigInt(labels * step - prefix);
  const mask = (1n << BigInt(step)) - 1n;
  return Array.from({ length: count }, (_, index) => {
    const zone = first + BigInt(index);
    const parts = Array.from({ length: labels }, (__, label) =>
      ((zone >> BigInt(label * step)) & mask).toString(base),
    );
    return `${parts.join('.')}.${family === 4 ? 'in-addr' : 'ip6'}.arpa`;
  });
}
