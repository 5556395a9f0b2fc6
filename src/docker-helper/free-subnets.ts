import type { NetworkInterfaceInfo } from 'node:os';
import type { MachineRoute } from '#host/routes.ts';
import { overlaps } from '#host/subnets.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type { Subnet } from '#protocol/ip-address.ts';

/**
 * Where clusters and offices seldom are. Docker itself would take the next 172.x.0.0/16, which is where
 * some clouds have their Services.
 */
const candidates = [
  '192.168.231.0/24',
  '192.168.227.0/24',
  '10.231.77.0/24',
  '10.227.77.0/24',
  '172.29.231.0/24',
  '172.27.227.0/24',
  // Of the addresses between providers: no office has these, and few clusters.
  '100.75.231.0/24',
] as const;

/** Subnets that Docker's network can have: none that overlaps with one of the cluster's or the laptop's. */
export function freeSubnets(taken: readonly Subnet[]): readonly string[] {
  return candidates.filter((text) =>
    subnets(text).every((subnet) => !taken.some((one) => overlaps(one, subnet))),
  );
}

/** What a laptop reaches by itself: the networks that it is in, and what it has routes to. */
export function reached(
  laptop: {
    readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
    /** Empty where they are not known. */
    readonly routes: readonly Pick<MachineRoute, 'subnet' | 'device'>[];
  },
  leftOut: string,
): readonly Subnet[] {
  const networks = Object.entries(laptop.interfaces).flatMap(([name, all]) =>
    name === leftOut ? [] : subnets(...(all ?? []).flatMap(({ cidr }) => cidr ?? [])),
  );
  // The way to the world, or the halves of it that a VPN takes, is no network that one is in.
  const ways = laptop.routes.filter(
    ({ subnet, device }) => device !== leftOut && subnet.prefix >= 4,
  );
  return [...networks, ...ways.map(({ subnet }) => subnet)];
}
