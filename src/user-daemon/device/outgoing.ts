import { formatIp } from '#protocol/ip-address.ts';
import { decodeIcmpEcho, encodeEchoPacket } from '#protocol/packets/icmp-message.ts';
import { largestDatagram, type IpPacket } from '#protocol/packets/ip-packet.ts';
import { decodeUdpDatagram, encodeUdpPacket } from '#protocol/packets/udp-datagram.ts';
import type { Outgoing } from './datagram-flows.ts';
import { formatEndpoint } from './endpoint.ts';

/** What a UDP packet has to do with flows; undefined for a broken one. */
export function outgoingUdp({ source, destination, payload }: IpPacket): Outgoing | undefined {
  const datagram = decodeUdpDatagram(payload);
  if (datagram === undefined || datagram.destinationPort === 0) return undefined;
  const { sourcePort, destinationPort } = datagram;
  const authority = formatEndpoint({ address: destination, port: destinationPort });
  const key = `udp ${formatEndpoint({ address: source, port: sourcePort })} ${authority}`;
  const back = { source: destination, destination: source };
  return {
    kind: 'udp',
    key,
    authority,
    payload: datagram.payload,
    source,
    destination,
    answer: (answer) =>
      answer.length > largestDatagram(source.family)
        ? undefined
        : encodeUdpPacket(back, {
            sourcePort: destinationPort,
            destinationPort: sourcePort,
            payload: answer,
          }),
  };
}

/** Echoes have no port; what stands in its place is the echo port, and means nothing. */
const echoPort = 7;
const sequenceLength = 2;

/**
 * What a ping has to do with flows; undefined for other ICMP. Its sequence number travels before the
 * data, and comes back so with the answer: the host's own, from a ping socket beside it.
 */
export function outgoingEcho(packet: IpPacket): Outgoing | undefined {
  const echo = decodeIcmpEcho(packet);
  if (echo?.kind !== 'request') return undefined;
  const { source, destination } = packet;
  const { id } = echo;
  const sequence = Buffer.alloc(sequenceLength);
  sequence.writeUInt16BE(echo.sequence, 0);
  return {
    kind: 'echo',
    key: `echo ${formatIp(source)} ${formatIp(destination)} ${id}`,
    authority: formatEndpoint({ address: destination, port: echoPort }),
    payload: Buffer.concat([sequence, echo.data]),
    source,
    destination,
    answer(payload) {
      if (payload.length < sequenceLength || payload.length > largestDatagram(source.family)) {
        return undefined;
      }
      return encodeEchoPacket(
        { source: destination, destination: source },
        {
          kind: 'reply',
          id,
          sequence: payload.readUInt16BE(0),
          data: payload.subarray(sequenceLength),
        },
      );
    },
  };
}
