import type { ServiceInfo } from '#protocol/gen/telepresence_pb.ts';
import { contains, formatIp, parseIp, parseSubnet } from '#protocol/ip-address.ts';
import type { ClusterNames, NameScope } from './cluster-names.ts';

/** What is asked: `labels` without the root, lower case. */
export interface NameQuestion {
  readonly labels: readonly string[];
  readonly type: 'A' | 'AAAA' | 'SRV' | 'PTR' | 'other';
}

export type NameRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'PTR'; readonly target: string }
  | { readonly type: 'SRV'; readonly port: number; readonly target: string };

/** What we know of a name. `ask` means that the cluster's DNS knows, under its full name. */
export type NameAnswer =
  | { readonly kind: 'notOurs' }
  | { readonly kind: 'noSuchName' }
  | { readonly kind: 'records'; readonly records: readonly NameRecord[] }
  | { readonly kind: 'ask'; readonly labels: readonly string[] };

const notOurs: NameAnswer = { kind: 'notOurs' };
const noSuchName: NameAnswer = { kind: 'noSuchName' };
const defaultDomain = 'cluster.local';

/**
 * Answers names as a pod of the connected namespace would see them, from memory. Names of one or
 * two labels that the cluster does not know are the world's: a namespace may be called `dev`.
 */
export function resolveName(
  names: ClusterNames,
  scope: NameScope,
  question: NameQuestion,
): NameAnswer {
  const { labels, type } = question;
  const domain = (names.info?.clusterDomain || defaultDomain).split('.');
  if (endsWith(labels, ['in-addr', 'arpa']) || endsWith(labels, ['ip6', 'arpa'])) {
    return reverseName(names, labels, type, domain);
  }
  if (endsWith(labels, domain)) {
    const inside = labels.slice(0, -domain.length);
    return inside.at(-1) === 'svc'
      ? serviceName(names, scope, inside.slice(0, -1), type, domain)
      : { kind: 'ask', labels };
  }
  if (labels.at(-1) === 'svc' && labels.length >= 3) {
    return serviceName(names, scope, labels.slice(0, -1), type, domain);
  }
  return shortName(names, scope, labels, type, domain);
}

/** `… service.namespace`, where the name as a whole can only be the cluster's. */
function serviceName(
  names: ClusterNames,
  scope: NameScope,
  labels: readonly string[],
  type: NameQuestion['type'],
  domain: readonly string[],
): NameAnswer {
  const full = [...labels, 'svc', ...domain];
  const namespace = labels.at(-1);
  const name = labels.at(-2);
  // Without a snapshot we know nothing, and the cluster does.
  if (names.info === undefined) return { kind: 'ask', labels: full };
  if (namespace === undefined || !isMapped(names, scope, namespace)) return noSuchName;
  if (name === undefined) return { kind: 'records', records: [] };
  if (names.isClosed(namespace)) return { kind: 'ask', labels: full };
  const service = names.service(namespace, name);
  if (service === undefined) return noSuchName;
  return answerService(service, labels.slice(0, -2), type, full);
}

/** `service`, `service.namespace`, and the same with a pod's or a port's name before it. */
function shortName(
  names: ClusterNames,
  scope: NameScope,
  labels: readonly string[],
  type: NameQuestion['type'],
  domain: readonly string[],
): NameAnswer {
  for (const [name, namespace, before] of [
    [labels.at(-2), labels.at(-1), labels.slice(0, -2)],
    [labels.at(-1), scope.namespace, labels.slice(0, -1)],
  ] as const) {
    if (name === undefined || namespace === undefined || !isMapped(names, scope, namespace)) {
      continue;
    }
    if (names.isClosed(namespace)) {
      return { kind: 'ask', labels: [...before, name, namespace, 'svc', ...domain] };
    }
    const service = names.service(namespace, name);
    if (service === undefined) continue;
    const full = [...before, name, namespace, 'svc', ...domain];
    const answer = answerService(service, before, type, full);
    if (answer.kind !== 'noSuchName') return answer;
  }
  return notOurs;
}

function answerService(
  service: ServiceInfo,
  before: readonly string[],
  type: NameQuestion['type'],
  full: readonly string[],
): NameAnswer {
  const headless = service.addresses.length === 0;
  if (before.length === 0) {
    // The cluster's DNS follows the alias.
    if (service.externalName !== '') return { kind: 'ask', labels: full };
    return { kind: 'records', records: addressRecords(service, type) };
  }
  const [port, protocol] = before;
  if (before.length === 2 && port?.startsWith('_') === true && protocol?.startsWith('_') === true) {
    // Each pod behind a headless service has a name of its own there.
    if (headless) return { kind: 'ask', labels: full };
    return portRecords(service, { port: port.slice(1), protocol: protocol.slice(1) }, type, full);
  }
  // A pod's hostname in its headless service.
  return headless && before.length === 1 ? { kind: 'ask', labels: full } : noSuchName;
}

function addressRecords(service: ServiceInfo, type: NameQuestion['type']): readonly NameRecord[] {
  if (type !== 'A' && type !== 'AAAA') return [];
  const family = type === 'A' ? 4 : 6;
  const addresses = service.addresses.length === 0 ? service.endpointAddresses : service.addresses;
  return addresses
    .filter((address) => parseIp(address)?.family === family)
    .map((address) => ({ type, address }));
}

function portRecords(
  service: ServiceInfo,
  wanted: { readonly port: string; readonly protocol: string },
  type: NameQuestion['type'],
  full: readonly string[],
): NameAnswer {
  const found = service.ports.filter(
    ({ name, protocol }) => name === wanted.port && protocol.toLowerCase() === wanted.protocol,
  );
  if (found.length === 0) return noSuchName;
  const target = full.slice(2).join('.');
  return {
    kind: 'records',
    records: type === 'SRV' ? found.map(({ port }) => ({ type, port, target })) : [],
  };
}

function reverseName(
  names: ClusterNames,
  labels: readonly string[],
  type: NameQuestion['type'],
  domain: readonly string[],
): NameAnswer {
  const address = reversedAddress(labels);
  const ip = address === undefined ? undefined : parseIp(address);
  if (address === undefined || ip === undefined || names.info === undefined) return notOurs;
  const { serviceSubnets, podSubnets } = names.info;
  const ours = [...serviceSubnets, ...podSubnets].some((text) => {
    const subnet = parseSubnet(text);
    return subnet !== undefined && contains(subnet, ip);
  });
  if (!ours) return notOurs;
  const service = names.serviceAt(formatIp(ip));
  if (service === undefined) return { kind: 'ask', labels };
  const target = [service.name, service.namespace, 'svc', ...domain].join('.');
  return { kind: 'records', records: type === 'PTR' ? [{ type, target }] : [] };
}

/** `4.0.0.10.in-addr.arpa` means 10.0.0.4; RFC 3596 for IPv6. */
export function reversedAddress(labels: readonly string[]): string | undefined {
  const digits = labels.slice(0, -2).toReversed();
  if (labels.at(-2) === 'in-addr') return digits.length === 4 ? digits.join('.') : undefined;
  if (digits.length !== 32 || digits.some((digit) => !/^[0-9a-f]$/.test(digit))) return undefined;
  return digits.join('').replace(/(.{4})(?!$)/g, '$1:');
}

function isMapped(names: ClusterNames, scope: NameScope, namespace: string): boolean {
  if (!names.hasNamespace(namespace)) return false;
  return scope.mapped.length === 0 || scope.mapped.includes(namespace);
}

function endsWith(labels: readonly string[], suffix: readonly string[]): boolean {
  return (
    labels.length >= suffix.length &&
    suffix.every((label, index) => labels[labels.length - suffix.length + index] === label)
  );
}
