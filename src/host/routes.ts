import * as v from 'valibot';

import { parseSubnet, type Subnet } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import type { RunTool } from './run-tool.ts';

/** What the machine reaches already. */
export interface MachineRoute {
  readonly subnet: Subnet;
  readonly device: string;
  /** As a person would name it: `10.244.0.0/24 dev cni0`. */
  readonly text: string;
}

/** The machine's routes, and the gateways of its default routes. */
export interface MachineRoutes {
  readonly routes: readonly MachineRoute[];
  readonly defaultGateways: readonly string[];
}

const routeList = v.array(
  v.object({
    dst: v.string(),
    dev: v.optional(v.string(), ''),
    gateway: v.optional(v.string()),
    type: v.optional(v.string(), 'unicast'),
  }),
);

/** Routes of these kinds carry nothing anywhere: they are no conflict. */
const deadKinds: ReadonlySet<string> = new Set([
  'unreachable',
  'blackhole',
  'prohibit',
  'throw',
  'broadcast',
  'multicast',
  'anycast',
]);

/** Asks `ip` for all tables of both families. */
export async function readMachineRoutes(
  deps: { readonly runTool: RunTool },
  signal: AbortSignal,
): Promise<MachineRoutes> {
  const families = await Promise.all(
    ['-4', '-6'].map((family) =>
      deps.runTool(
        { command: 'ip', args: [family, '-j', 'route', 'show', 'table', 'all'] },
        signal,
      ),
    ),
  );
  const parts = families.map(parseRoutes);
  return {
    routes: parts.flatMap(({ routes }) => routes),
    defaultGateways: parts.flatMap(({ defaultGateways }) => defaultGateways),
  };
}

/** Reads what `ip -j route` printed. */
export function parseRoutes(json: string): MachineRoutes {
  // `ip` prints nothing at all where a family is switched off.
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), routeList), json.trim() || '[]');
  if (!parsed.success) {
    throw new HostError('ToolFailed', 'ip printed routes that are not understood', {
      cause: new v.ValiError(parsed.issues),
    });
  }
  const alive = parsed.output.filter(({ type }) => !deadKinds.has(type));
  return {
    routes: alive.flatMap(({ dst, dev }) => {
      const subnet = parseSubnet(dst);
      if (subnet === undefined || subnet.prefix === 0) return [];
      return [{ subnet, device: dev, text: `${dst} dev ${dev}` }];
    }),
    defaultGateways: alive.flatMap(({ dst, gateway }) =>
      dst === 'default' && gateway !== undefined ? [gateway] : [],
    ),
  };
}
