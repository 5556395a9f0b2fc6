import type {
  AddressPort,
  ContainerBridge,
  Desired,
  DesiredDns,
} from '#protocol/gen/telepresence_pb.ts';
import { parseIp, parseSubnet, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import { RootDaemonError } from './errors.ts';

/** An address and a port. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** A bridge of containers, and where the user daemon listens on it. */
export interface BridgePlan {
  readonly device: string;
  /** One for each of the bridge's own addresses that it is redirected to. */
  readonly flows: readonly Endpoint[];
}

/** Which names belong to the cluster, and who answers them. */
export interface NamePlan {
  readonly clusterDomain: string;
  readonly namespaces: ReadonlySet<string>;
  /** The user daemon's unix socket. */
  readonly answerSocket: string;
  readonly excludeSuffixes: readonly string[];
  readonly includeSuffixes: readonly string[];
  /** Names that are never the cluster's, whatever else is said. */
  readonly excludes: ReadonlySet<string>;
  /** Names that the user daemon answers, wherever they are. */
  readonly mapped: ReadonlySet<string>;
  /** The user daemon's time to answer; 0: as long as usual. */
  readonly lookupTimeoutMs: number;
  /** Appended to names of a single label, where the machine's resolver does that. */
  readonly search: readonly string[];
}

/** What the machine should be: the user daemon's desire, checked. */
export interface Plan {
  /** The user daemon's listener on 127.0.0.1, and on ::1 where there is IPv6 here; 0 for none. */
  readonly redirectPort: number;
  /** The cluster's own subnets, and what else is to go there: both are routed. */
  readonly subnets: readonly Subnet[];
  readonly alsoProxy: readonly Subnet[];
  /** Left alone although routed. */
  readonly spared: readonly Subnet[];
  /** TCP that is left alone: the API server's own. */
  readonly sparedPorts: readonly Endpoint[];
  /** Where TCP is refused unless it is to one of `openServices`. */
  readonly services: readonly Subnet[];
  readonly openServices: readonly Endpoint[];
  readonly names: NamePlan | undefined;
  readonly allowConflicts: boolean;
  /** What lies in these may conflict, where not everything may. */
  readonly mayConflict: readonly Subnet[];
  /** Somebody reads the device: what is no Service is tried before it is redirected. */
  readonly gate: boolean;
  /** What overlaps with this machine's own is not routed, but known by virtual addresses. */
  readonly avoidConflicts: boolean;
  /** Known by virtual addresses, whatever it overlaps with. */
  readonly virtual: readonly Subnet[];
  /** Where virtual addresses are to be; undefined: where nothing else is. */
  readonly virtualSubnet: Subnet | undefined;
  /** There are virtual addresses although no subnet is virtual. */
  readonly alwaysVirtual: boolean;
  /** Containers on these reach the cluster as this machine does. */
  readonly bridges: readonly BridgePlan[];
}

/** A `0.0.0.0/4` of virtual addresses would be most of what this machine talks with. */
const shortestVirtualPrefix = 8;

/** Of the kernel's names those that Docker gives; they are quoted in rules. */
const deviceName = /^[A-Za-z0-9][\w.-]{0,14}$/;

/** Checks what came over the wire. IPv6 is left out where the user daemon does not listen on it. */
export function planOf(desired: Desired): Plan {
  const mine = ofFamilies(desired.ipv6 ? [4, 6] : [4]);
  const plan: Plan = {
    redirectPort: port(desired.redirectPort),
    subnets: mine.subnets(desired.subnets),
    alsoProxy: mine.subnets(desired.alsoProxy),
    spared: mine.subnets(desired.neverProxy),
    sparedPorts: mine.endpoints(desired.neverPorts),
    services: mine.subnets(desired.serviceSubnets),
    openServices: mine.endpoints(desired.openServices),
    names: desired.dns && namesOf(desired.dns),
    allowConflicts: desired.allowConflictingSubnets,
    mayConflict: mine.subnets(desired.allowConflicting),
    gate: desired.gate,
    avoidConflicts: desired.avoidConflicts,
    virtual: mine.subnets(desired.virtual),
    virtualSubnet: mine.subnets(desired.virtualSubnet === '' ? [] : [desired.virtualSubnet])[0],
    alwaysVirtual: desired.alwaysVirtual,
    bridges: desired.bridges.map((bridge) => bridgeOf(bridge, (pairs) => mine.endpoints(pairs))),
  };
  if ((plan.virtualSubnet?.prefix ?? shortestVirtualPrefix) < shortestVirtualPrefix) {
    bad('a virtual subnet: it is too large', desired.virtualSubnet);
  }
  const routed = routedSubnets(plan);
  if (routed.length > 0 && plan.redirectPort === 0) {
    throw new RootDaemonError('BadDesired', 'subnets without a port to redirect to');
  }
  if (routed.some(({ prefix }) => prefix === 0)) {
    throw new RootDaemonError('BadDesired', 'the whole Internet cannot be routed to a cluster');
  }
  return plan;
}

/** All that goes to the cluster. */
export function routedSubnets(plan: Pick<Plan, 'subnets' | 'alsoProxy'>): readonly Subnet[] {
  return [...plan.subnets, ...plan.alsoProxy];
}

function bridgeOf(
  { device, listeners }: ContainerBridge,
  endpoints: (pairs: readonly AddressPort[]) => Endpoint[],
): BridgePlan {
  if (!deviceName.test(device)) return bad('a network device', device);
  const flows = endpoints(listeners);
  if (flows.some((one) => one.port === 0)) bad('a port', '0');
  return { device, flows };
}

function namesOf(dns: DesiredDns): NamePlan {
  if (plain(dns.clusterDomain) === '' || !dns.answerSocket.startsWith('/')) {
    throw new RootDaemonError('BadDesired', 'names need a cluster domain and an absolute socket');
  }
  return {
    clusterDomain: plain(dns.clusterDomain),
    namespaces: new Set(dns.namespaces.map(plain)),
    answerSocket: dns.answerSocket,
    excludeSuffixes: dns.excludeSuffixes.map(plain).filter((suffix) => suffix !== ''),
    includeSuffixes: dns.includeSuffixes.map(plain).filter((suffix) => suffix !== ''),
    excludes: new Set(dns.excludes.map(plain)),
    mapped: new Set(dns.mappedNames.map(plain)),
    lookupTimeoutMs: dns.lookupTimeoutMs,
    search: dns.search.map(plain).filter((domain) => domain !== ''),
  };
}

/** Lower case, without dots before and behind. */
function plain(name: string): string {
  let [from, to] = [0, name.length];
  while (from < to && name.charAt(from) === '.') from += 1;
  while (to > from && name.charAt(to - 1) === '.') to -= 1;
  return name.slice(from, to).toLowerCase();
}

/** Reads subnets and endpoints; those of other families are left out. */
function ofFamilies(families: readonly (4 | 6)[]): {
  subnets(texts: readonly string[]): Subnet[];
  endpoints(pairs: readonly AddressPort[]): Endpoint[];
} {
  const wanted = new Set(families);
  return {
    subnets: (texts) =>
      texts
        .map((text) => parseSubnet(text) ?? bad('a subnet', text))
        .filter(({ family }) => wanted.has(family)),
    endpoints: (pairs) =>
      pairs
        .map((pair) => ({
          address: parseIp(pair.address) ?? bad('an address', pair.address),
          port: port(pair.port),
        }))
        .filter(({ address }) => wanted.has(address.family)),
  };
}

function port(value: number): number {
  return value <= 0xffff ? value : bad('a port', String(value));
}

function bad(what: string, text: string): never {
  throw new RootDaemonError('BadDesired', `not ${what}: ${text}`);
}
