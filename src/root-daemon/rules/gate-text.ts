import { deviceName, gateFlags, gateOpenSeconds } from '#protocol/gate.ts';

import type { Gate } from './rules.ts';

/**
 * The gate for TCP to what is no Service. A redirection alone would accept first and fail later. So the
 * first SYN takes its way to the device, where the user daemon sees it and dials. Refused: its answer
 * is a reset. Open: it opens the gate for that address and port, and makes the kernel send the SYN
 * again, which is then redirected.
 */

/** Where the gate is open now; filled by what arrives at the device, emptied by time. */
const gateSet = { 4: 'dialled4', 6: 'dialled6' } as const;
/** The zone of connection tracking in which the first SYNs and their answers are. */
const zone = 7438;
/** More than this at once are not let pass; the next dial is then only slower. */
const size = 65_535;

/** The sets of the gate. */
export function gateSets(family: 4 | 6): string[] {
  const options = `size ${size}; flags dynamic,timeout; timeout ${gateOpenSeconds}s;`;
  return [`set ${gateSet[family]} { type ipv${family}_addr . inet_service; ${options} }`];
}

/** Of the SYNs that leave, those which have to go to the device. */
export function gateDepartures(family: 4 | 6, gate: Gate): string[] {
  const to = `${family === 4 ? 'ip' : 'ip6'} daddr`;
  return [
    `${to} @services${family} return`,
    `${to} @routed${family} ${to} . tcp dport != @${gateSet[family]} ${apart(gate)}`,
  ];
}

/** What the device brings: the user daemon's knocks, its answers, and nothing from elsewhere. */
export function gateArrivals(families: readonly (4 | 6)[], gate: Gate): string[] {
  return [
    `iifname != "${deviceName}" return`,
    ...families.flatMap((family) => {
      const from = `${family === 4 ? 'ip' : 'ip6'} saddr`;
      const element = `@${gateSet[family]} { ${from} . tcp sport }`;
      return [
        `${from} @routed${family} tcp flags == ${gateFlags.open} update ${element} drop`,
        `${from} @routed${family} tcp flags == ${gateFlags.shut} delete ${element} drop`,
      ];
    }),
    `meta l4proto tcp ${apart(gate)}`,
    // The protocol of the packet that an error quotes.
    ...(families.includes(4) ? [`icmp type 3 @th,136,8 6 ${apart(gate)}`] : []),
    ...(families.includes(6) ? [`icmpv6 type 1 @th,112,8 6 ${apart(gate)}`] : []),
  ];
}

/** What is on its way to the device is not redirected. */
export function gatePassed(gate: Gate): string[] {
  return gate === 'zone' ? [`ct zone ${zone} return`] : [];
}

function apart(gate: Gate): string {
  return gate === 'zone' ? `ct zone set ${zone}` : 'notrack';
}
