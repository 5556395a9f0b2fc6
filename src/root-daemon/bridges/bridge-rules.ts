import type { Logger } from '#base/log.ts';
import type { Bridge } from '#host/bridges.ts';
import { formatIp, parseIp } from '#protocol/ip-address.ts';

import type { BridgePlan, Plan } from '../plan.ts';
import type { BridgeSplitters } from '../resolver/bridge-splitters.ts';
import type { MachineResolver } from '../resolver/name-way.ts';
import type { MachineFacts } from '../rules/rules.ts';
import { bridgeNameservers } from './bridge-nameservers.ts';

interface Deps {
  readonly log: Logger;
  readBridges(signal: AbortSignal): Promise<readonly Bridge[]>;
}

interface Asked {
  readonly plan: Pick<Plan, 'bridges'>;
  readonly resolver: MachineResolver;
  /** Undefined where names are nobody's business. */
  readonly names: Pick<BridgeSplitters, 'listenAt'> | undefined;
}

/** What the machine does for containers: for the bridges that are asked for and that it has. */
export async function bridgeRules(
  deps: Deps,
  { plan, resolver, names }: Asked,
  signal: AbortSignal,
): Promise<Required<Pick<MachineFacts, 'bridges' | 'bridgeNameservers'>>> {
  const usable =
    plan.bridges.length === 0 ? [] : usableBridges(plan, await deps.readBridges(signal));
  if (usable.length < plan.bridges.length) {
    const left = plan.bridges.filter(({ device }) => !usable.some((one) => one.device === device));
    deps.log.warning('no bridges of containers', {
      left: left.map(({ device }) => device).join(' '),
    });
  }
  const hosts = usable.flatMap(({ flows }) => flows.map(({ address }) => formatIp(address)));
  const ports = await names?.listenAt(hosts, signal);
  return {
    bridges: usable.map((bridge) => ({
      ...bridge,
      names: bridge.flows.flatMap(({ address }) => {
        const port = ports?.get(formatIp(address));
        return port === undefined ? [] : [{ address, port }];
      }),
    })),
    bridgeNameservers:
      usable.length === 0 ? [] : bridgeNameservers(resolver).flatMap((one) => parseIp(one) ?? []),
  };
}

/** Those that are bridges of nothing but containers, at addresses of their own. */
export function usableBridges(
  { bridges }: Pick<Plan, 'bridges'>,
  here: readonly Bridge[],
): BridgePlan[] {
  return bridges.flatMap(({ device, flows }) => {
    const addresses = here.find((one) => one.device === device)?.addresses.map(formatIp) ?? [];
    const own = flows.filter(({ address }) => addresses.includes(formatIp(address)));
    return own.length === 0 ? [] : [{ device, flows: own }];
  });
}
