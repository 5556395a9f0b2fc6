import type { IpAddress, Subnet } from '#protocol/ip-address.ts';

import { routedSubnets, type BridgePlan, type Endpoint, type Plan } from '../plan.ts';

/** All that the nft table says, as data. */
export interface Rules {
  readonly redirectPort: number;
  readonly routed: readonly Subnet[];
  readonly spared: readonly Subnet[];
  readonly sparedPorts: readonly Endpoint[];
  readonly services: readonly Subnet[];
  readonly openServices: readonly Endpoint[];
  readonly names: NameRules | undefined;
  readonly gate: Gate;
  /**
   * Our own questions are tracked in a zone of their own. Otherwise a program that asks by a port from
   * which we have asked within the last half minute would be taken for us, and not be redirected.
   */
  readonly apart: boolean;
  readonly bridges: readonly BridgeRules[];
  /** Whom containers on them ask for names. */
  readonly bridgeNameservers: readonly IpAddress[];
}

/** What is to happen with what containers on a bridge send. */
export interface BridgeRules extends BridgePlan {
  /** The splitter, at the bridge's own addresses. */
  readonly names: readonly Endpoint[];
}

/**
 * Whether connections to what is no Service meet the gate first, and how the kernel's connection
 * tracking is kept from remembering them as not redirected: in a zone of their own, so that a firewall
 * knows the answers; not at all, where the kernel has no zones.
 */
export type Gate = 'none' | 'zone' | 'untracked';

/** Which nameservers' queries are redirected, and where to. */
export interface NameRules {
  readonly nameservers: readonly IpAddress[];
  /** The splitter on 127.0.0.1 and ::1, UDP and TCP. */
  readonly port: number;
}

/** What the machine itself adds to a plan. */
export interface MachineFacts {
  /** Nameservers and default gateways: they stay reachable whatever the cluster's subnets are. */
  readonly spared: readonly IpAddress[];
  readonly names: NameRules | undefined;
  /** Of which kind a gate is on this kernel. */
  readonly gate: Exclude<Gate, 'none'>;
  readonly bridges?: readonly BridgeRules[];
  readonly bridgeNameservers?: readonly IpAddress[];
}

/** The rules of a plan on this machine. */
export function rulesOf(plan: Plan, machine: MachineFacts): Rules {
  return {
    redirectPort: plan.redirectPort,
    routed: routedSubnets(plan),
    spared: [...plan.spared, ...machine.spared.map(asSubnet)],
    sparedPorts: plan.sparedPorts,
    services: plan.services,
    openServices: plan.openServices,
    names: machine.names,
    gate: plan.gate && plan.redirectPort !== 0 ? machine.gate : 'none',
    apart: machine.gate === 'zone',
    bridges: machine.bridges ?? [],
    bridgeNameservers: machine.bridgeNameservers ?? [],
  };
}

/** The subnet of one address. */
export function asSubnet(address: IpAddress): Subnet {
  return { ...address, prefix: address.family === 4 ? 32 : 128 };
}
