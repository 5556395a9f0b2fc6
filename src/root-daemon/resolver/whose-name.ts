import { containerSearch, withoutContainerSearch } from '#protocol/container-search.ts';
import { splitName } from '#protocol/dns-name.ts';
import { dnsTypes } from '#protocol/dns-record.ts';
import type { DnsQuestion } from '#protocol/dns-message.ts';
import { contains, parseIp, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import type { NamePlan } from '../plan.ts';

/**
 * Who answers a question. `cluster`: the cluster's own domain, which no other server knows.
 * `perhaps`: could be the cluster's; when it is not, the nameserver is asked. `outside`: never ours.
 */
export type NameOwner = 'cluster' | 'perhaps' | 'outside';

/** What decides about names. */
export interface NameRule extends NamePlan {
  /** Addresses whose names (PTR) are the cluster's. */
  readonly subnets: readonly Subnet[];
}

/** Decides by the question's name alone. */
export function whoseName(rule: NameRule, { name, type }: DnsQuestion): NameOwner {
  const lower = name.toLowerCase();
  const searched = withoutContainerSearch(lower);
  // Nobody else knows it: what is not the cluster's is not at all.
  if (searched !== undefined) return rule.excludes.has(searched) ? 'outside' : 'cluster';
  if (lower === containerSearch) return 'cluster';
  const asTyped = withoutSearch(rule, lower);
  if (rule.excludes.has(asTyped)) return 'outside';
  if (rule.mapped.has(asTyped)) return 'perhaps';
  if (isIn(lower, rule.clusterDomain)) return 'cluster';
  if (type === dnsTypes.PTR) {
    const address = reverseAddress(lower);
    const ours = address !== undefined && rule.subnets.some((subnet) => contains(subnet, address));
    return ours ? 'perhaps' : 'outside';
  }
  if (rule.includeSuffixes.some((suffix) => isIn(lower, suffix))) return 'perhaps';
  if (rule.excludeSuffixes.some((suffix) => isIn(lower, suffix))) return 'outside';
  // `_http._tcp.web.default` asks about web.default.
  const labels = splitName(lower);
  const host = labels.slice(labels.findIndex((label) => !label.startsWith('_')));
  const last = host.at(-1);
  if (last === undefined) return 'outside';
  if (host.length === 1) return last.startsWith('_') ? 'outside' : 'perhaps';
  if (last === 'svc') return 'perhaps';
  // A namespace may be called like a top-level domain: only `name.namespace`, never what is deeper.
  return host.length === 2 && rule.namespaces.has(last) ? 'perhaps' : 'outside';
}

/** The name of one label to which the machine's resolver has appended a domain of ours. */
function withoutSearch({ search }: NameRule, name: string): string {
  const appended = search.find((domain) => name.endsWith(`.${domain}`));
  const short = appended === undefined ? name : name.slice(0, -appended.length - 1);
  return short.includes('.') ? name : short;
}

function isIn(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

/** The address whose name is asked for: `1.0.96.10.in-addr.arpa`, `….ip6.arpa`. */
function reverseAddress(name: string): IpAddress | undefined {
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (v4 !== undefined) return parseIp(v4.slice(0, -1).split('.').toReversed().join('.'));
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  if (v6 === undefined) return undefined;
  const digits = v6.replaceAll('.', '').split('').toReversed().join('');
  return parseIp(digits.replaceAll(/(.{4})(?!$)/g, '$1:'));
}
