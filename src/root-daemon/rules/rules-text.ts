import { formatSubnet } from '#host/subnets.ts';
import { exemptGroup } from '#protocol/gate.ts';
import { formatIp, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import type { Endpoint } from '../plan.ts';
import { aliveElement, aliveSeconds, aliveSet } from './alive.ts';
import {
  bridgeArrivals,
  bridgeDiversion,
  bridgeRefusal,
  forwardGuard,
  listenerGuard,
  namesOfBridges,
} from './bridge-text.ts';
import { gateArrivals, gateDepartures, gateSets, gatePassed } from './gate-text.ts';
import type { Rules } from './rules.ts';

/** The set of `address . port` at which Services answer. */
export const openServicesSet = { 4: 'open4', 6: 'open6' } as const;

/** The contents of the table: before any other program's nat rules, so that it sees what was asked for. */
export function rulesText(rules: Rules): string {
  const families = ([4, 6] as const).filter((family) =>
    [
      ...rules.routed,
      ...rules.services,
      ...(rules.names?.nameservers ?? []),
      ...rules.bridgeNameservers,
    ].some((one) => one.family === family),
  );
  return [
    ...families.flatMap((family) => sets(rules, family)),
    ...(rules.names === undefined && !namesOfBridges(rules)
      ? []
      : [set(aliveSet, 'inet_service', `timeout ${aliveSeconds}s;`, [aliveElement])]),
    ...gateChains(rules, families),
    ...ownQuestions(rules),
    chain('refuse', 'type filter hook output priority -120; policy accept;', [
      'ct state != new return',
      'meta l4proto != tcp return',
      ...families.flatMap((family) => spared(family).concat(refusal(family))),
    ]),
    chain('divert', 'type nat hook output priority -110; policy accept;', [
      `meta skgid ${exemptGroup} return`,
      ...gatePassed(rules.gate),
      ...families.flatMap((family) => nameRedirection(rules, family)),
      ...(rules.redirectPort === 0
        ? []
        : families.flatMap((family) => flowRedirection(rules, family))),
    ]),
    ...bridgeChains(rules, families),
  ].join('\n');
}

/** What containers send comes in from a bridge, and never passes the chains of our own output. */
function bridgeChains(rules: Rules, families: readonly (4 | 6)[]): string[] {
  if (rules.routed.length === 0) return [];
  const guard = chain(
    'pass',
    'type filter hook forward priority -110; policy accept;',
    forwardGuard(rules),
  );
  if (rules.bridges.length === 0) return [guard];
  const here = families.map((family) => ({ family, spared: spared(family) }));
  const first = 'type filter hook prerouting priority -300; policy accept;';
  return [
    guard,
    ...(rules.gate === 'zone' ? [chain('bridge_depart', first, bridgeArrivals(rules, here))] : []),
    chain(
      'bridge_refuse',
      'type filter hook prerouting priority -120; policy accept;',
      bridgeRefusal(rules, here, refusal),
    ),
    chain(
      'bridge_divert',
      'type nat hook prerouting priority -110; policy accept;',
      bridgeDiversion(rules, here),
    ),
    chain(
      'bridge_guard',
      'type filter hook input priority -110; policy accept;',
      listenerGuard(rules),
    ),
  ];
}

/** Before connection tracking, both ways. */
function gateChains({ gate }: Rules, families: readonly (4 | 6)[]): string[] {
  if (gate === 'none') return [];
  const first = 'priority -300; policy accept;';
  return [
    ...families.flatMap(gateSets),
    chain('depart', `type filter hook output ${first}`, [
      'tcp flags & (fin|syn|rst|ack) != syn return',
      ...families.flatMap((family) => spared(family).concat(gateDepartures(family, gate))),
    ]),
    chain('arrive', `type filter hook prerouting ${first}`, gateArrivals(families, gate)),
  ];
}

/** Ours in one direction only: the answers are found, and a firewall knows them. */
const ownZone = 7439;

/** Keeps our own questions from being what the kernel remembers of their port. */
function ownQuestions({ names, apart }: Rules): string[] {
  if (names === undefined || !apart) return [];
  return [
    chain('own', 'type filter hook output priority -300; policy accept;', [
      `meta skgid ${exemptGroup} meta l4proto { tcp, udp } th dport 53 ct original zone set ${ownZone}`,
    ]),
  ];
}

/** An element of the set of open Services. */
export function endpointText({ address, port }: Endpoint): string {
  return `${formatIp(address)} . ${port}`;
}

function sets(rules: Rules, family: 4 | 6): string[] {
  const address = `ipv${family}_addr`;
  const endpoint = `${address} . inet_service`;
  const interval = 'flags interval; auto-merge;';
  const mine = <T extends { readonly family: 4 | 6 }>(all: readonly T[]): T[] =>
    all.filter((one) => one.family === family);
  const subnets = (all: readonly Subnet[]): string[] => mine(all).map(formatSubnet);
  const endpoints = (all: readonly Endpoint[]): string[] =>
    all.filter((one) => one.address.family === family).map(endpointText);
  const addresses = (all: readonly IpAddress[]): string[] => mine(all).map(formatIp);
  return [
    set(`routed${family}`, address, interval, subnets(rules.routed)),
    set(`spared${family}`, address, interval, subnets(rules.spared)),
    set(`spared_ports${family}`, endpoint, '', endpoints(rules.sparedPorts)),
    set(`services${family}`, address, interval, subnets(rules.services)),
    set(openServicesSet[family], endpoint, '', endpoints(rules.openServices)),
    set(`nameservers${family}`, address, '', addresses(rules.names?.nameservers ?? [])),
    ...(namesOfBridges(rules)
      ? [set(`bridge_nameservers${family}`, address, '', addresses(rules.bridgeNameservers))]
      : []),
  ];
}

function spared(family: 4 | 6): string[] {
  return [
    `${ip(family)} daddr @spared${family} return`,
    `${ip(family)} daddr . tcp dport @spared_ports${family} return`,
  ];
}

/** The redirection would accept first and fail later; what does not exist is refused, as in the cluster. */
function refusal(family: 4 | 6): string {
  const destination = `${ip(family)} daddr`;
  return `${destination} @services${family} ${destination} . tcp dport != @${openServicesSet[family]} reject with tcp reset`;
}

/** The user daemon's listener is told by the kernel where each connection wanted to go. */
function flowRedirection(rules: Rules, family: 4 | 6): string[] {
  const routed = `${ip(family)} daddr @routed${family} meta l4proto tcp`;
  return spared(family).concat(`${routed} redirect to :${rules.redirectPort}`);
}

/** Only while the splitter renews its element: a stopped or busy daemon gives names back. */
function nameRedirection(rules: Rules, family: 4 | 6): string[] {
  if (rules.names === undefined) return [];
  return [
    `${ip(family)} daddr @nameservers${family} meta l4proto { tcp, udp } th dport @${aliveSet} redirect to :${rules.names.port}`,
  ];
}

function ip(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6';
}

function set(name: string, type: string, more: string, elements: readonly string[]): string {
  const unique = [...new Set(elements)];
  const content = unique.length === 0 ? '' : ` elements = { ${unique.join(', ')} };`;
  return `set ${name} { type ${type}; ${more}${content} }`;
}

function chain(name: string, base: string, rules: readonly string[]): string {
  return [`chain ${name} {`, base, ...rules, '}'].join('\n');
}
