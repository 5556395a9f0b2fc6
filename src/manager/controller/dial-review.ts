import { subnets } from '#protocol/dial-policy.ts';
import { contains, parseIp } from '#protocol/ip-address.ts';

/** Whether a laptop may dial, or why not. */
export type DialReviewed =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly message: string };

interface Deps {
  /** The namespaces that an address belongs to. */
  readonly namespacesOf: (address: string) => ReadonlySet<string>;
  /** Those of the namespaces that a laptop's user may use. */
  readonly open: (
    connectionUid: string,
    namespaces: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string>>;
  /** What the admin has opened to everybody. */
  readonly alsoProxy: readonly string[];
}

/**
 * Decides a dial where `client.outbound` is `namespaces`: into namespaces that the user may use, and
 * what the admin lists. An address that several namespaces share is of all of them.
 */
export async function reviewDial(
  deps: Deps,
  asked: { readonly connectionUid: string; readonly address: string },
  signal: AbortSignal,
): Promise<DialReviewed> {
  const ip = parseIp(asked.address);
  if (ip === undefined) return { allowed: false, message: 'not an address' };
  if (subnets(...deps.alsoProxy).some((subnet) => contains(subnet, ip))) return { allowed: true };
  const owners = [...deps.namespacesOf(asked.address)];
  if (owners.length === 0) {
    return { allowed: false, message: `${asked.address} is of no namespace` };
  }
  const open = await deps.open(asked.connectionUid, owners, signal);
  const closed = owners.find((name) => !open.has(name));
  return closed === undefined
    ? { allowed: true }
    : { allowed: false, message: `namespace ${closed} is not open to this user` };
}
