import * as v from 'valibot';

import { parseIp, type IpAddress } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import type { RunTool } from './run-tool.ts';

/** A bridge of this machine, to which nothing but containers is connected. */
export interface Bridge {
  readonly device: string;
  /** Its own, which containers have for a gateway. */
  readonly addresses: readonly IpAddress[];
}

const links = v.array(
  v.object({
    ifname: v.optional(v.string(), ''),
    master: v.optional(v.string()),
    linkinfo: v.optional(v.object({ info_kind: v.optional(v.string()) })),
    addr_info: v.optional(
      v.array(
        v.object({
          local: v.optional(v.string(), ''),
          scope: v.optional(v.string(), ''),
          tentative: v.optional(v.boolean(), false),
        }),
      ),
      [],
    ),
  }),
);

/** The device by which we ourselves try whether a bridge's way is open. */
export const probeDevice = 'tel0-probe';
/** A container's end of its wire. */
const wire = 'veth';
/** A network card, a bond, a VLAN: somebody else's machines are behind those. */
const isForeign = (kind: string | undefined): boolean => kind !== wire;

/** Asks `ip` for bridges with an address of their own. Those that are a LAN's too are left out. */
export async function readBridges(
  deps: { readonly runTool: RunTool },
  signal: AbortSignal,
): Promise<Bridge[]> {
  const call = { command: 'ip', args: ['-j', '-d', 'address', 'show'] };
  return parseBridges(await deps.runTool(call, signal));
}

/** Reads what `ip -j -d address` printed. */
export function parseBridges(json: string): Bridge[] {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), links), json.trim() || '[]');
  if (!parsed.success) {
    throw new HostError('ToolFailed', 'ip printed addresses that are not understood', {
      cause: new v.ValiError(parsed.issues),
    });
  }
  const all = parsed.output.filter(({ ifname }) => ifname !== probeDevice);
  const shared = new Set(
    all
      .filter(({ linkinfo }) => isForeign(linkinfo?.info_kind))
      .flatMap(({ master }) => master ?? []),
  );
  return all
    .filter(({ linkinfo, ifname }) => linkinfo?.info_kind === 'bridge' && !shared.has(ifname))
    .map(({ ifname, addr_info: addresses }) => ({
      device: ifname,
      addresses: addresses
        .filter(({ scope, tentative }) => scope === 'global' && !tentative)
        .flatMap(({ local }) => parseIp(local) ?? []),
    }))
    .filter(({ addresses }) => addresses.length > 0);
}
