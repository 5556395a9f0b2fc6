import { gateFlags } from '#protocol/gate.ts';
import { encodeUnreachablePacket, type Unreachable } from '#protocol/packets/icmp-message.ts';
import { encodeTcpPacket, tcpFlags } from '#protocol/packets/tcp-segment.ts';
import type { Endpoint } from './endpoint.ts';

/** A SYN that went out by the device. */
export interface Syn {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly sequence: number;
}

/** Tells the kernel's gate to open or to shut for a place; it goes no further than there. */
export function knock(target: Endpoint, what: keyof typeof gateFlags): Buffer {
  const nothing = { sequence: 0, acknowledgement: 0 };
  return segment({ source: target, target }, { ...nothing, flags: gateFlags[what] });
}

/** Makes the kernel send the SYN again at once: an acknowledgement of nothing. */
export function askAgain(syn: Syn): Buffer {
  return segment(syn, { sequence: 0, acknowledgement: syn.sequence, flags: tcpFlags.ack });
}

/** What a closed port answers. */
export function refusal(syn: Syn): Buffer {
  const acknowledgement = syn.sequence + 1;
  return segment(syn, { sequence: 0, acknowledgement, flags: tcpFlags.rst | tcpFlags.ack });
}

/** What a router answers that knows no way; `packet` is the SYN's. */
export function noWay({ source, target }: Syn, why: Unreachable, packet: Buffer): Buffer {
  const addresses = { source: target.address, destination: source.address };
  return encodeUnreachablePacket(addresses, { why, lost: packet });
}

/** From where the SYN went to where it came from. */
function segment(
  { source, target }: Pick<Syn, 'source' | 'target'>,
  fields: {
    readonly sequence: number;
    readonly acknowledgement: number;
    readonly flags: number;
  },
): Buffer {
  return encodeTcpPacket(
    { source: target.address, destination: source.address },
    { sourcePort: target.port, destinationPort: source.port, ...fields },
  );
}
