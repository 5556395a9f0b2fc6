import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp, parseIp, type IpAddress } from '../ip-address.ts';
import { checksum, pseudoHeader } from './checksum.ts';
import {
  decodeIcmpEcho,
  encodeEchoPacket,
  encodeUnreachablePacket,
  icmpProtocol,
} from './icmp-message.ts';
import { decodeIpPacket, encodeIpPacket, ipProtocols, type IpPacket } from './ip-packet.ts';
import { decodeTcpSegment, encodeTcpPacket } from './tcp-segment.ts';
import { decodeUdpDatagram, encodeUdpPacket } from './udp-datagram.ts';

const address = (text: string): IpAddress => {
  const parsed = parseIp(text);
  assert(parsed !== undefined);
  return parsed;
};
const decode = (bytes: Buffer): IpPacket => {
  const packet = decodeIpPacket(bytes);
  assert(packet !== undefined);
  return packet;
};
const plain = { noNullPrototype: true };
const v4 = fc
  .bigInt({ min: 0n, max: 0xffff_ffffn })
  .map((value): IpAddress => ({ family: 4, value }));
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value): IpAddress => {
  return { family: 6, value };
});
const addresses = fc.oneof(
  fc.record({ source: v4, destination: v4 }, plain),
  fc.record({ source: v6, destination: v6 }, plain),
);
const port = fc.nat(0xffff);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((it) => Buffer.from(it));
/** A right checksum makes the sum over everything zero. */
const sums = ({ source, destination, protocol, payload }: IpPacket): number => {
  const withoutAddresses = protocol === ipProtocols.icmp;
  const pseudo = pseudoHeader({ source, destination }, protocol, payload.length);
  return withoutAddresses ? checksum(payload) : checksum(pseudo, payload);
};

test('a SYN as the kernel writes it', () => {
  // 192.0.2.1:40000 → 10.244.0.5:8080, from a real device.
  const syn = Buffer.from(
    '4500003c1c4640004006' +
      'd2b1' +
      'c00002010af40005' +
      '9c401f9000000001000000' +
      '00a002faf0' +
      '0000' +
      '0000020405b40402080a000000010000000001030307',
    'hex',
  );
  const packet = decode(syn);
  assert.equal(formatIp(packet.destination), '10.244.0.5');
  const segment = decodeTcpSegment(packet.payload);
  assert.deepEqual(segment, {
    sourcePort: 40_000,
    destinationPort: 8080,
    sequence: 1,
    acknowledgement: 0,
    flags: 2,
  });
});

test('the checksum of RFC 1071’s example', () => {
  assert.equal(checksum(Buffer.from('0001f203f4f5f6f7', 'hex')), ~0xddf2 & 0xffff);
  assert.equal(checksum(Buffer.from('01', 'hex')), ~0x0100 & 0xffff);
});

test('a segment comes back as it was written, its checksums right', () => {
  const numbers = fc.record(
    {
      sourcePort: port,
      destinationPort: port,
      sequence: fc.nat(0xffff_ffff),
      acknowledgement: fc.nat(0xffff_ffff),
      flags: fc.nat(0x3f),
    },
    plain,
  );
  fc.assert(
    fc.property(addresses, numbers, (both, segment) => {
      const packet = decode(encodeTcpPacket(both, segment));
      assert.deepEqual({ source: packet.source, destination: packet.destination }, both);
      assert.deepEqual(decodeTcpSegment(packet.payload), segment);
      assert.equal(sums(packet), 0);
    }),
  );
});

test('a datagram comes back as it was written, its checksums right', () => {
  const datagrams = fc.record(
    { sourcePort: port, destinationPort: port, payload: bytes(300) },
    plain,
  );
  fc.assert(
    fc.property(addresses, datagrams, (both, datagram) => {
      const written = encodeUdpPacket(both, datagram);
      if (both.source.family === 4) assert.equal(checksum(written.subarray(0, 20)), 0);
      const packet = decode(written);
      assert.deepEqual(decodeUdpDatagram(packet.payload), datagram);
      assert.equal(sums(packet), 0);
    }),
  );
});

test('an echo comes back as it was written, its checksum right', () => {
  const echoes = fc.record(
    {
      kind: fc.constantFrom('request' as const, 'reply' as const),
      id: port,
      sequence: port,
      data: bytes(200),
    },
    plain,
  );
  fc.assert(
    fc.property(addresses, echoes, (both, echo) => {
      const packet = decode(encodeEchoPacket(both, echo));
      assert.deepEqual(decodeIcmpEcho(packet), echo);
      assert.equal(sums(packet), 0);
    }),
  );
});

test('what does not arrive is quoted, in a packet of bounded length', () => {
  fc.assert(
    fc.property(addresses, bytes(3000), (both, lost) => {
      const packet = decode(encodeUnreachablePacket(both, { why: 'port', lost }));
      assert.equal(sums(packet), 0);
      assert.equal(packet.protocol, icmpProtocol(both.source.family));
      const quoted = packet.payload.subarray(8);
      assert.ok(quoted.equals(lost.subarray(0, quoted.length)));
      assert.ok(quoted.length === lost.length || quoted.length >= 500);
      assert.ok(packet.payload.length <= 1240);
      assert.equal(decodeIcmpEcho(packet), undefined);
    }),
  );
});

test('hostile bytes are no packet, or one within its bounds', () => {
  const headed = fc
    .tuple(fc.constantFrom(0x45, 0x4f, 0x60, 0x00), bytes(120))
    .map(([head, rest]) => Buffer.concat([Buffer.from([head]), rest]));
  fc.assert(
    fc.property(headed, (input) => {
      const packet = decodeIpPacket(input);
      if (packet === undefined) return;
      assert.ok(packet.payload.length < input.length);
      decodeIcmpEcho(packet);
      const datagram = decodeUdpDatagram(packet.payload);
      assert.ok((datagram?.payload.length ?? 0) <= packet.payload.length);
      decodeTcpSegment(packet.payload);
    }),
    { numRuns: 2000 },
  );
});

test('fragments and packets that are cut off are left out; extensions are skipped', () => {
  const both = { source: address('192.0.2.1'), destination: address('10.0.0.1') };
  const datagram = { sourcePort: 1, destinationPort: 2, payload: Buffer.from('hello') };
  const whole = encodeUdpPacket(both, datagram);
  for (const offset of [0x2000, 0x0001]) {
    const fragment = Buffer.from(whole);
    fragment.writeUInt16BE(offset, 6);
    assert.equal(decodeIpPacket(fragment), undefined);
  }
  for (let end = 0; end < whole.length; end += 1) {
    assert.equal(decodeIpPacket(whole.subarray(0, end)), undefined);
  }
  const six = { source: address('2001:db8::1'), destination: address('fd00::1') };
  const inner = decode(encodeUdpPacket(six, datagram));
  const options = Buffer.from([ipProtocols.udp, 0, 1, 4, 0, 0, 0, 0]);
  const payload = Buffer.concat([options, inner.payload]);
  const extended = decode(encodeIpPacket({ ...six, protocol: 60, payload }));
  assert.deepEqual(decodeUdpDatagram(extended.payload), datagram);
  assert.equal(
    decodeIpPacket(encodeIpPacket({ ...six, protocol: 60, payload: options.subarray(0, 4) })),
    undefined,
  );
});
