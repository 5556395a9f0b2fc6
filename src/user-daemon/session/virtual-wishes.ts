import type { ClusterInfo, ProxyVia } from '#protocol/gen/telepresence_pb.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type { VirtualRules } from '#protocol/virtual/addresses.ts';

/** What the user says of virtual addresses. */
export interface VirtualWishes {
  /** CIDR, or also | service | pods | all. */
  readonly vnat: readonly string[];
  readonly proxyVia: readonly Pick<ProxyVia, 'subnet' | 'workload'>[];
  /** Empty: nothing is said. */
  readonly virtualSubnet: string;
  readonly autoResolveConflicts?: boolean | undefined;
}

/** What the words for subnets stand for. */
export interface NamedSubnets {
  readonly service: readonly string[];
  readonly pods: readonly string[];
  readonly also: readonly string[];
}

/** The subnets of one word, or of one CIDR. */
export function meantSubnets(typed: string, named: NamedSubnets): readonly string[] {
  switch (typed) {
    case 'service':
    case 'pods':
    case 'also':
      return named[typed];
    case 'all':
      return [...named.also, ...named.service, ...named.pods];
    default:
      return [typed];
  }
}

/** Which subnets are dialled by whose agents. */
export function viaRules(
  { proxyVia }: Pick<VirtualWishes, 'proxyVia'>,
  named: NamedSubnets,
): VirtualRules['via'] {
  return proxyVia.flatMap(({ subnet: typed, workload }) =>
    subnets(...meantSubnets(typed, named)).map((subnet) => ({ subnet, workload })),
  );
}

/** What the machine is to do about virtual addresses. */
export function virtualMachine(
  wishes: VirtualWishes,
  named: NamedSubnets,
  info: Pick<ClusterInfo, 'virtualSubnet' | 'autoResolveConflicts'>,
): {
  readonly avoidConflicts: boolean;
  readonly virtual: string[];
  readonly virtualSubnet: string;
  readonly alwaysVirtual: boolean;
} {
  const avoidConflicts = wishes.autoResolveConflicts ?? info.autoResolveConflicts ?? true;
  // Whoever names a way around a conflict has it, whatever else is said of conflicts.
  const around = avoidConflicts ? [] : wishes.proxyVia.map(({ subnet }) => subnet);
  const virtual = [...wishes.vnat, ...around].flatMap((typed) => meantSubnets(typed, named));
  return {
    avoidConflicts,
    virtual: [...new Set(virtual)],
    virtualSubnet: wishes.virtualSubnet || info.virtualSubnet,
    alwaysVirtual: wishes.proxyVia.length > 0,
  };
}
