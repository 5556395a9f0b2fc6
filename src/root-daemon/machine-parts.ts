import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Bridge } from '#host/bridges.ts';
import type { RuleTable } from '#host/nft.ts';
import type { Resolved } from '#host/resolved.ts';
import type { MachineRoutes } from '#host/routes.ts';
import type { TunDevice } from '#host/tun.ts';
import type { IpAddress } from '#protocol/ip-address.ts';

import type { Settled } from './device/virtual-subnets.ts';
import type { Plan } from './plan.ts';
import type { DesiredNames, NameService } from './resolver/name-service.ts';
import type { MachineResolver } from './resolver/name-way.ts';
import type { Rules } from './rules/rules.ts';

/** What the machine is like because of us; undefined when it is as we found it. */
export interface MachineState {
  readonly plan: Plan;
  /** What has become of it here. */
  readonly settled: Settled;
  /** The splitter's address, and the nameserver it passes other names to. */
  readonly names: { readonly local: string; readonly nameserver: string | undefined } | undefined;
  /** What is done for containers, and by whom it is known that it works. */
  readonly containers: Pick<Rules, 'bridges' | 'bridgeNameservers'> & Pick<NameService, 'expect'>;
}

/** The parts of the machine, as main.ts builds them. */
export interface MachineDeps {
  readonly clock: Clock;
  readonly log: Logger;
  openTable(signal: AbortSignal): Promise<RuleTable>;
  openTun(signal: AbortSignal): Promise<TunDevice>;
  startNames(desired: DesiredNames, signal: AbortSignal): Promise<NameService>;
  readResolver(signal: AbortSignal): Promise<MachineResolver>;
  readonly resolved: Pick<Resolved, 'set' | 'isSet' | 'revert'>;
  readRoutes(signal: AbortSignal): Promise<MachineRoutes>;
  /** Service addresses of a cluster on this machine. */
  readKubeProxy(signal: AbortSignal): Promise<readonly IpAddress[]>;
  readBridges(signal: AbortSignal): Promise<readonly Bridge[]>;
  forgetDnsFlows(signal: AbortSignal): Promise<boolean>;
}
