import { formatSubnet, overlaps, subtract } from '#host/subnets.ts';
import { contains, parseSubnet, type Subnet } from '#protocol/ip-address.ts';

import { RootDaemonError } from '../errors.ts';
import { routedSubnets, type Plan } from '../plan.ts';
import { findConflict, type Reached } from './conflicts.ts';

/** A subnet of the cluster that this machine knows by virtual addresses. */
export interface VirtualSubnet {
  readonly subnet: Subnet;
  /** What it overlaps with, for people; undefined where it was asked for. */
  readonly why: string | undefined;
}

/** A plan as this machine can have it. */
export interface Settled {
  /** Routed are what is not virtual, and the virtual addresses. */
  readonly plan: Plan;
  /** What of the cluster's own subnets, and of what else goes there, is routed. */
  readonly kept: Pick<Plan, 'subnets' | 'alsoProxy'>;
  readonly virtual: readonly VirtualSubnet[];
  /** Where virtual addresses are: one subnet of a family at most. */
  readonly ranges: readonly Subnet[];
}

interface Machine extends Reached {
  /** What is never taken from this machine: nameservers, gateways, the API server. */
  readonly spared: readonly Subnet[];
  /** What it was before: what was virtual stays so, and where it was. */
  readonly before: Pick<Settled, 'virtual' | 'ranges'> | undefined;
}

/**
 * In the order in which they are tried: class E, which hardly anybody uses, and what is kept for
 * measurements and examples; unique local addresses, of both halves, and those for examples.
 */
const usual = {
  4: parsed('246.246.0.0/16', '247.247.0.0/16', '198.19.0.0/16', '192.0.2.0/24'),
  6: parsed('fd00:0:0:246::/64', 'fd74:656c:6530:246::/64', 'fc00:0:0:246::/64', '2001:db8::/64'),
} as const;

/** Keeps what this machine uses for something else as it is: what overlaps is virtual. */
export function settle(plan: Plan, machine: Machine): Settled {
  const virtual = virtualSubnets(plan, machine);
  const families = ([4, 6] as const).filter(
    (family) =>
      virtual.some(({ subnet }) => subnet.family === family) ||
      (plan.alwaysVirtual && routedSubnets(plan).some((subnet) => subnet.family === family)),
  );
  const ranges = families.map((family) => rangeOf(family, plan, { machine, virtual }));
  const taken = virtual.map(({ subnet }) => subnet);
  const without = (subnets: readonly Subnet[]): readonly Subnet[] =>
    taken.length === 0 ? subnets : subtract(subnets, taken);
  const kept = { subnets: without(plan.subnets), alsoProxy: without(plan.alsoProxy) };
  const subnets = [...kept.subnets, ...ranges];
  // Connections into what is virtual are this machine's own business: none of them is refused.
  const settled = { ...plan, ...kept, subnets, services: without(plan.services) };
  return { plan: settled, kept, virtual, ranges };
}

function virtualSubnets(plan: Plan, machine: Machine): VirtualSubnet[] {
  const asked = plan.virtual.map((subnet) => ({ subnet, why: undefined }));
  if (!plan.avoidConflicts || plan.allowConflicts) return asked;
  const holes = [...plan.virtual, ...plan.spared, ...machine.spared];
  const found = unique(routedSubnets(plan)).flatMap((subnet): VirtualSubnet[] => {
    const known = machine.before?.virtual.find(
      (one) => one.why !== undefined && isSame(one.subnet, subnet),
    );
    if (known !== undefined) return [known];
    for (const piece of subtract([subnet], holes)) {
      const why = findConflict(piece, machine);
      if (why !== undefined) return [{ subnet, why }];
    }
    return [];
  });
  return [...asked, ...found];
}

function rangeOf(
  family: 4 | 6,
  plan: Plan,
  { machine, virtual }: { readonly machine: Machine; readonly virtual: readonly VirtualSubnet[] },
): Subnet {
  const wanted = plan.virtualSubnet?.family === family ? plan.virtualSubnet : undefined;
  const before = machine.before?.ranges.filter((one) => one.family === family) ?? [];
  const others = [...routedSubnets(plan), ...plan.virtual, ...plan.spared, ...machine.spared];
  const inTheWay = (range: Subnet): string | undefined => {
    const other = others.find((one) => overlaps(one, range));
    if (other !== undefined) return formatSubnet(other);
    // What may conflict is about the cluster's subnets: these addresses can be elsewhere.
    return findConflict(range, { ...machine, allowed: [] });
  };
  if (wanted !== undefined) {
    const other = inTheWay(wanted);
    if (other === undefined) return wanted;
    throw new RootDaemonError(
      'SubnetConflict',
      `the virtual subnet ${formatSubnet(wanted)} overlaps with ${other}`,
      {
        facts: {
          subnet: formatSubnet(wanted),
          conflict: other,
          hint: 'name another one: routing.virtualSubnet in config.yml or in the kubeconfig, or the Helm value client.routing.virtualSubnet',
        },
      },
    );
  }
  const free = [...before, ...usual[family]].find((range) => inTheWay(range) === undefined);
  if (free !== undefined) return free;
  const tried = usual[family].map(formatSubnet).join(', ');
  const first = virtual.find(({ subnet }) => subnet.family === family);
  const what = first === undefined ? 'virtual addresses' : formatSubnet(first.subnet);
  throw new RootDaemonError(
    'SubnetConflict',
    `there is no virtual subnet for ${what}: this machine uses ${tried} itself`,
    {
      facts: {
        subnet: what,
        conflict: first?.why ?? tried,
        hint: 'name one that is free: routing.virtualSubnet in config.yml',
      },
    },
  );
}

function unique(subnets: readonly Subnet[]): Subnet[] {
  return subnets.filter((one, index) => subnets.findIndex((other) => isSame(one, other)) === index);
}

function isSame(a: Subnet, b: Subnet): boolean {
  return a.prefix === b.prefix && contains(a, b);
}

function parsed(...texts: readonly string[]): readonly Subnet[] {
  return texts.flatMap((text) => parseSubnet(text) ?? []);
}
