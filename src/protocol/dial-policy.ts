import {
  contains,
  formatIp,
  parseIp,
  parseSubnet,
  type IpAddress,
  type Subnet,
} from './ip-address.ts';

/** Why a flow is not dialled. */
export type DialRefusal =
  | 'BadAuthority'
  | 'Unspecified'
  | 'Loopback'
  | 'LinkLocal'
  | 'Multicast'
  | 'Reserved'
  | 'Manager'
  | 'OutsideSubnets';

/** What may be dialled from the cluster's side for a laptop (design decision 3). */
export interface DialPolicy {
  /** Service and pod subnets and the admin's list; undefined where somebody else has checked that. */
  readonly subnets: readonly Subnet[] | undefined;
  /** The manager's own addresses, and others that are never dialled. */
  readonly never: readonly Subnet[];
}

export type DialDecision =
  | { readonly ok: true; readonly host: string; readonly port: number }
  | { readonly ok: false; readonly reason: DialRefusal; readonly message: string };

const described = {
  Unspecified: 'no address of a machine',
  Loopback: 'a loopback address',
  LinkLocal: 'a link-local address',
  Multicast: 'a multicast address',
  Reserved: 'a reserved address',
} as const;

const always: readonly (readonly [keyof typeof described, readonly Subnet[]])[] = [
  ['Unspecified', subnets('0.0.0.0/8', '::/128')],
  ['Loopback', subnets('127.0.0.0/8', '::1/128')],
  // 169.254.169.254 and fd00:ec2::254 hand out the node's credentials in the clouds.
  ['LinkLocal', subnets('169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128')],
  ['Multicast', subnets('224.0.0.0/4', 'ff00::/8')],
  // 64:ff9b:1::/48 (RFC 8215) carries IPv4 addresses at places that only its network knows.
  ['Reserved', subnets('240.0.0.0/4', 'fec0::/10', '64:ff9b:1::/48')],
];
// Prefixes that carry an IPv4 address in their last 32 bits (RFC 6052, RFC 4291).
const carriers = subnets('64:ff9b::/96', '::/96');

/** The address by which a flow means the pod itself. */
export const podLoopback = '127.0.0.1';

/** Subnets as text, parsed; what is none is left out. */
export function subnets(...texts: readonly string[]): Subnet[] {
  return texts.flatMap((text) => parseSubnet(text) ?? []);
}

/**
 * Whether the `authority` of a CONNECT (`10.0.0.4:80`, `[fd00::4]:80`) may be dialled. Names are not
 * taken: the laptop resolves them, so what is checked is what is dialled.
 */
export function decideDial(authority: string, policy: DialPolicy): DialDecision {
  const target = parseAuthority(authority);
  if (target === undefined) {
    return refusal('BadAuthority', `${authority} is not an IP address and a port`);
  }
  const { address, port } = target;
  const host = formatIp(address);
  const reason = refusedAlways(address);
  if (reason !== undefined) return refusal(reason, `${host} is ${described[reason]}`);
  if (policy.never.some((subnet) => contains(subnet, address))) {
    return refusal('Manager', `${host} is the traffic-manager's own`);
  }
  if (policy.subnets !== undefined && !policy.subnets.some((s) => contains(s, address))) {
    return refusal('OutsideSubnets', `${host} is not in the cluster's service and pod subnets`);
  }
  return { ok: true, host, port };
}

/**
 * Whether a flow for an Intercept's own pod (`127.0.0.1:5432`) may be dialled there: its loopback and
 * nothing else, and none of the agent's own ports. Whose Intercept it is, is for others to know.
 */
export function decidePodLoopback(authority: string, agentPorts: Iterable<number>): DialDecision {
  const target = parseAuthority(authority);
  if (target === undefined || !authority.startsWith(`${podLoopback}:`)) {
    return refusal('BadAuthority', `${authority} is not ${podLoopback} and a port`);
  }
  const { port } = target;
  if ([...agentPorts].includes(port)) {
    return refusal('Reserved', `port ${String(port)} is the traffic-agent's own`);
  }
  return { ok: true, host: podLoopback, port };
}

function refusedAlways(address: IpAddress): keyof typeof described | undefined {
  for (const [reason, list] of always) {
    if (list.some((subnet) => contains(subnet, address))) return reason;
  }
  if (!carriers.some((subnet) => contains(subnet, address))) return undefined;
  return refusedAlways({ family: 4, value: address.value & 0xffff_ffffn });
}

function parseAuthority(text: string): { address: IpAddress; port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const [, v6, v4, digits] = match;
  const address = parseIp(v6 ?? v4 ?? '');
  const port = Number(digits);
  if (address === undefined || port < 1 || port > 65_535) return undefined;
  return { address, port };
}

function refusal(reason: DialRefusal, message: string): DialDecision {
  return { ok: false, reason, message };
}
