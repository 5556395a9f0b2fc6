import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { OpenTunQueue, TunQueue } from '#host/tun-queue.ts';
import { deviceName } from '#protocol/gate.ts';
import { icmpProtocol } from '#protocol/packets/icmp-message.ts';
import { decodeIpPacket, ipProtocols } from '#protocol/packets/ip-packet.ts';
import type { PickSession } from '../flows/outbound-listener.ts';
import type { RoutedSubnets } from '../flows/routed-subnets.ts';
import { createDatagramFlows } from './datagram-flows.ts';
import { outgoingEcho, outgoingUdp } from './outgoing.ts';
import { createSynGate, type SynGate } from './syn-gate.ts';

/** What goes out by `tel0`: UDP, pings, and the first SYNs of TCP that is not to a Service. */
export interface Device extends AsyncDisposable {
  readonly gate: Pick<SynGate, 'takeDialled' | 'learn'>;
  /** The machine is as we want it: the device is there. Throws where it cannot be read. */
  attach(): void;
  /** Lets go of the device, which must not outlive the rules. */
  detach(): Promise<void>;
}

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'every' | 'monotonic'>;
  readonly log: Logger;
  readonly openTunQueue: OpenTunQueue;
  readonly routed: Pick<RoutedSubnets, 'containsIp'>;
  readonly pickSession: PickSession;
}

/** A device that is not attached. */
export function createDevice(deps: Deps): Device {
  const { log, routed } = deps;
  let queue: TunQueue | undefined;
  const flowDeps = { ...deps, write: (packet: Buffer): void => queue?.write(packet) };
  const gate = createSynGate(flowDeps);
  const datagrams = createDatagramFlows(flowDeps);

  const onPacket = (bytes: Buffer): void => {
    const packet = decodeIpPacket(bytes);
    if (packet === undefined || !routed.containsIp(packet.destination)) return;
    if (packet.protocol === ipProtocols.tcp) {
      gate.take(packet, bytes);
      return;
    }
    const isIcmp = packet.protocol === icmpProtocol(packet.source.family);
    const outgoing = isIcmp
      ? outgoingEcho(packet)
      : packet.protocol === ipProtocols.udp
        ? outgoingUdp(packet)
        : undefined;
    if (outgoing !== undefined) datagrams.take(outgoing, bytes);
  };

  const detach = async (): Promise<void> => {
    const old = queue;
    queue = undefined;
    await old?.close();
  };
  return {
    gate,
    attach() {
      if (queue !== undefined) return;
      const opened = deps.openTunQueue({ name: deviceName, onPacket });
      queue = opened;
      void opened.closed.then((trouble) => {
        if (queue === opened) queue = undefined;
        if (trouble !== undefined) log.warning('device lost', { reason: describe(trouble) });
      });
    },
    detach,
    async [Symbol.asyncDispose]() {
      gate[Symbol.dispose]();
      datagrams[Symbol.dispose]();
      await detach();
    },
  };
}
