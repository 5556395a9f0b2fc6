import type { Clock } from '#base/clock.ts';
import type { BridgeEnd } from '#host/bridge-end.ts';
import type { IpAddress } from '#protocol/ip-address.ts';
import { encodeUdpPacket } from '#protocol/packets/udp-datagram.ts';

import type { MachineState } from '../machine-parts.ts';
import type { FirewallRule } from './firewall-rule.ts';

/** What was found out about a bridge. */
export type BridgeWay =
  /** Its containers are not led anywhere. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'open' }
  /** What they send to the machine does not come to us; `rule` is what seems to be in the way. */
  | { readonly kind: 'blocked'; readonly rule: FirewallRule | undefined };

interface Deps {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly randomInt: (below: number) => number;
  openEnd(bridge: string, signal: AbortSignal): Promise<BridgeEnd>;
  findRule(bridge: string, signal: AbortSignal): Promise<FirewallRule | undefined>;
}

const dnsPort = 53;
/** A machine that has much to do takes its time, and may lose one. */
const pausesMs = [50, 150, 300, 500, 1000] as const;

/**
 * Sends a query on a bridge as a container would, and sees whether it comes to the splitter: a firewall
 * of this machine may drop what is redirected to it, and no rule of ours can overrule another table's.
 */
export async function tryBridge(
  deps: Deps,
  { containers }: Pick<MachineState, 'containers'>,
  device: string,
  signal: AbortSignal,
): Promise<BridgeWay> {
  const bridge = containers.bridges.find((one) => one.device === device);
  const own = bridge?.names.find(({ address }) => address.family === 4);
  const nameserver = containers.bridgeNameservers.find(({ family }) => family === 4);
  if (bridge === undefined || own === undefined || nameserver === undefined) {
    return { kind: bridge === undefined ? 'unknown' : 'open' };
  }
  const token = Buffer.from(`telepresence-${String(deps.randomInt(2 ** 40))}`);
  using expected = containers.expect(token);
  using end = await deps.openEnd(device, signal);
  for (const pauseMs of pausesMs) {
    end.send(
      encodeUdpPacket(
        { source: neighbour(own.address), destination: nameserver },
        { sourcePort: 1024 + deps.randomInt(60_000), destinationPort: dnsPort, payload: token },
      ),
    );
    const late = deps.clock.sleep(pauseMs, signal).then(() => false);
    if (await Promise.race([expected.arrived, late])) return { kind: 'open' };
  }
  return { kind: 'blocked', rule: await deps.findRule(device, signal) };
}

/** An address on the same bridge: whose it is does not matter, for nothing is answered. */
function neighbour({ family, value }: IpAddress): IpAddress {
  return { family, value: value ^ 2n };
}
