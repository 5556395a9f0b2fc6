import { deviceName } from '#protocol/gate.ts';
import { formatIp } from '#protocol/ip-address.ts';

import type { Endpoint } from '../plan.ts';
import { gateDepartures, gatePassed } from './gate-text.ts';
import type { BridgeRules, Rules } from './rules.ts';
import { aliveSet } from './alive.ts';

/**
 * The rules for containers on a bridge. What they send comes in by the bridge's device: it is judged as
 * our own output is, and goes to listeners at the bridge's own addresses, which nobody else reaches.
 */

interface Family {
  readonly family: 4 | 6;
  /** Rules that leave alone what is not the cluster's. */
  readonly spared: readonly string[];
}

/** Whether containers' names are redirected. */
export function namesOfBridges({ bridges, bridgeNameservers }: Rules): boolean {
  return bridgeNameservers.length > 0 && bridges.some(({ names }) => names.length > 0);
}

/** Of containers' first SYNs those that have to go to the device. */
export function bridgeArrivals(rules: Rules, families: readonly Family[]): string[] {
  return [
    notFromBridges(rules),
    'tcp flags & (fin|syn|rst|ack) != syn return',
    ...families.flatMap(({ family, spared }) => [...spared, ...gateDepartures(family, rules.gate)]),
  ];
}

/** What does not exist is refused. */
export function bridgeRefusal(
  rules: Rules,
  families: readonly Family[],
  refusal: (family: 4 | 6) => string,
): string[] {
  return [
    notFromBridges(rules),
    'ct state != new return',
    'meta l4proto != tcp return',
    ...families.flatMap(({ family, spared }) => [...spared, refusal(family)]),
  ];
}

/** To the listeners at the bridge's own address: a redirection would choose one of several. */
export function bridgeDiversion(rules: Rules, families: readonly Family[]): string[] {
  const { bridges } = rules;
  return [
    notFromBridges(rules),
    ...gatePassed(rules.gate),
    ...(namesOfBridges(rules)
      ? families.flatMap(({ family }) =>
          bridges.flatMap((bridge) =>
            of(family, bridge.names).map(
              (to) =>
                `${from(bridge)} ${ip(family)} daddr @bridge_nameservers${family} meta l4proto { tcp, udp } th dport @${aliveSet} dnat ${ip(family)} to ${place(to)}`,
            ),
          ),
        )
      : []),
    ...families.flatMap(({ family, spared }) => [
      ...spared,
      ...bridges.flatMap((bridge) =>
        of(family, bridge.flows).map(
          (to) =>
            `${from(bridge)} ${ip(family)} daddr @routed${family} meta l4proto tcp dnat ${ip(family)} to ${place(to)}`,
        ),
      ),
    ]),
  ];
}

/** A bridge's address is this machine's, and so reached by each of its networks: but not our listeners. */
export function listenerGuard({ bridges }: Rules): string[] {
  return bridges.flatMap((bridge) =>
    [...bridge.flows, ...bridge.names].flatMap(({ address, port }) => {
      const to = `iifname != "${bridge.device}" ${ip(address.family)} daddr ${formatIp(address)}`;
      return [`${to} tcp dport ${port} reject with tcp reset`, `${to} udp dport ${port} reject`];
    }),
  );
}

/** This machine may forward, for Docker: but nobody else's packets into the cluster, and none out of it. */
export function forwardGuard({ bridges }: Rules): string[] {
  const others = bridges.length === 0 ? '' : ` ${names(bridges)}`;
  return [
    `oifname "${deviceName}"${others && ` iifname !=${others}`} reject with icmpx admin-prohibited`,
    `iifname "${deviceName}"${others && ` oifname !=${others}`} drop`,
  ];
}

function notFromBridges({ bridges }: Rules): string {
  return `iifname != ${names(bridges)} return`;
}

function names(bridges: readonly BridgeRules[]): string {
  return `{ ${bridges.map(({ device }) => `"${device}"`).join(', ')} }`;
}

function from({ device }: BridgeRules): string {
  return `iifname "${device}"`;
}

/** The first: which of several makes no difference. */
function of(family: 4 | 6, endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.filter(({ address }) => address.family === family).slice(0, 1);
}

function place({ address, port }: Endpoint): string {
  const text = formatIp(address);
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}

function ip(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6';
}
