import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, formatIp, parseIp, parseSubnet } from './ip-address.ts';

const bits32 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
const bits128 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  // Long runs of zeros, where abbreviation is hard.
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n)),
);

test('what is written is read again', () => {
  fc.assert(
    fc.property(bits32, (value) => {
      assert.deepEqual(parseIp(formatIp({ family: 4, value })), { family: 4, value });
    }),
  );
  fc.assert(
    fc.property(bits128, (value) => {
      fc.pre(value >> 32n !== 0xffffn);
      const text = formatIp({ family: 6, value });
      assert.equal(net.isIPv6(text), true);
      assert.deepEqual(parseIp(text), { family: 6, value });
    }),
  );
});

test('reads what Node reads, as Node understands it, and never crashes', () => {
  const noise = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
    fc.stringMatching(/^[0-9a-f:.]{0,24}$/),
  );
  fc.assert(
    fc.property(noise, (text) => {
      const address = parseIp(text);
      assert.equal(address !== undefined, net.isIP(text) !== 0);
      if (address === undefined) return;
      const list = new net.BlockList();
      list.addAddress(formatIp(address), address.family === 4 ? 'ipv4' : 'ipv6');
      assert.equal(list.check(text, net.isIPv4(text) ? 'ipv4' : 'ipv6'), true);
    }),
    { numRuns: 2000 },
  );
});

test('RFC 5952', () => {
  for (const [text, canonical] of [
    ['2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
  ] as const) {
    const address = parseIp(text);
    assert.ok(address);
    assert.equal(formatIp(address), canonical);
  }
});

test('subnets contain what they should', () => {
  const inside = (subnet: string, address: string): boolean => {
    const [s, a] = [parseSubnet(subnet), parseIp(address)];
    assert.ok(s && a);
    return contains(s, a);
  };
  assert.equal(inside('10.96.0.0/12', '10.111.255.255'), true);
  assert.equal(inside('10.96.0.0/12', '10.112.0.0'), false);
  assert.equal(inside('10.96.0.0/12', '::ffff:10.96.0.1'), true);
  assert.equal(inside('::ffff:10.0.0.0/104', '10.1.2.3'), true);
  assert.equal(inside('0.0.0.0/0', '::1'), false);
  assert.equal(inside('fd00::/8', 'fdab::1'), true);
  assert.equal(inside('10.0.0.1', '10.0.0.1'), true);
  for (const bad of ['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'fd00::/129', '::/-1', 'x/8', '']) {
    assert.equal(parseSubnet(bad), undefined, bad);
  }
});
