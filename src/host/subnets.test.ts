import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import { formatSubnet, overlaps, subtract } from './subnets.ts';

const subnet = (text: string): Subnet => {
  const parsed = parseSubnet(text);
  assert(parsed !== undefined);
  return parsed;
};
const anySubnet: fc.Arbitrary<Subnet> = fc.record({
  family: fc.constant(4 as const),
  // Few enough bits that subnets meet.
  value: fc.nat(255).map((byte) => BigInt(0x0a000000 + byte)),
  prefix: fc.integer({ min: 24, max: 32 }),
});

test('subtracting takes away the holes and nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(anySubnet, { maxLength: 3 }),
      fc.array(anySubnet, { maxLength: 3 }),
      (subnets, holes) => {
        const left = subtract(subnets, holes);
        for (let byte = 0; byte < 256; byte += 1) {
          const address = { family: 4, value: BigInt(0x0a000000 + byte) } as const;
          const within = (all: readonly Subnet[]) => all.some((one) => contains(one, address));
          assert.equal(within(left), within(subnets) && !within(holes));
        }
      },
    ),
  );
});

test('two subnets overlap when one holds the other', () => {
  assert(overlaps(subnet('10.0.0.0/8'), subnet('10.96.0.0/12')));
  assert(overlaps(subnet('10.96.0.1'), subnet('10.96.0.0/12')));
  assert(!overlaps(subnet('10.0.0.0/9'), subnet('10.128.0.0/9')));
  assert(!overlaps(subnet('::/0'), subnet('10.128.0.0/9')));
});

test('a subnet is written without host bits', () => {
  assert.equal(formatSubnet(subnet('10.97.1.2/12')), '10.96.0.0/12');
  assert.equal(formatSubnet(subnet('fd00::1/64')), 'fd00::/64');
  assert.deepEqual(subtract([subnet('10.0.0.0/30')], [subnet('10.0.0.1')]).map(formatSubnet), [
    '10.0.0.0/32',
    '10.0.0.2/31',
  ]);
});
