import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { subnets } from '../dial-policy.ts';
import { contains, formatIp, parseIp, type IpAddress, type Subnet } from '../ip-address.ts';
import { createVirtualAddresses } from './addresses.ts';
import { createVirtualRange } from './range.ts';

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function subnet(text: string): Subnet {
  const [parsed] = subnets(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

const anyReal = fc.oneof(
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((value) => ({ family: 4 as const, value })),
  fc
    .bigInt({ min: 1n << 100n, max: (1n << 128n) - 1n })
    .map((value) => ({ family: 6 as const, value })),
);
const anyRange = fc.oneof(
  fc
    .tuple(fc.bigInt({ min: 0n, max: 0xffff_ffffn }), fc.integer({ min: 20, max: 32 }))
    .map(([value, prefix]) => ({ family: 4 as const, value, prefix })),
  fc
    .tuple(
      fc.bigInt({ min: 1n << 100n, max: (1n << 128n) - 1n }),
      fc.integer({ min: 64, max: 128 }),
    )
    .map(([value, prefix]) => ({ family: 6 as const, value, prefix })),
);

test('pairs: one virtual address for each real one, inside the range, and back', () => {
  fc.assert(
    fc.property(anyRange, fc.array(anyReal, { maxLength: 300 }), (where, reals) => {
      const range = createVirtualRange(where);
      const seen = new Map<bigint, bigint>();
      for (const real of reals) {
        const given = range.virtualOf(real);
        if (real.family !== where.family) {
          assert.equal(given, undefined);
          continue;
        }
        if (given === undefined) {
          assert.equal(range.given, range.most, 'only a full range has none left');
          assert.ok(!seen.has(real.value), 'a pair is never lost');
          continue;
        }
        assert.ok(contains(where, given));
        assert.deepEqual(range.realOf(given), real);
        assert.deepEqual(range.virtualOf(real), given, 'the same at each call');
        const before = seen.get(real.value);
        assert.ok(before === undefined || before === given.value, 'stable');
        seen.set(real.value, given.value);
      }
      assert.equal(new Set(seen.values()).size, seen.size, 'no two share one');
      assert.equal(range.given, seen.size);
    }),
  );
});

test('a range that is full gives what it gave, and nothing more', () => {
  const range = createVirtualRange(subnet('246.246.0.0/29'));
  assert.equal(range.most, 6);
  const given = Array.from({ length: 6 }, (_, n) => range.virtualOf(ip(`10.0.0.${n}`)));
  assert.ok(given.every((one) => one !== undefined));
  assert.equal(range.virtualOf(ip('10.0.0.200')), undefined);
  assert.deepEqual(range.virtualOf(ip('10.0.0.3')), given[3]);
  const texts = new Set(given.flatMap((one) => (one === undefined ? [] : [formatIp(one)])));
  assert.ok(!texts.has('246.246.0.0') && !texts.has('246.246.0.7'));
});

test('an address is recognized by its end', () => {
  const range = createVirtualRange(subnet('246.246.0.0/16'));
  assert.deepEqual(range.virtualOf(ip('10.96.12.34')), ip('246.246.12.34'));
  assert.deepEqual(range.virtualOf(ip('10.97.12.34')), ip('246.246.12.35'));
  assert.deepEqual(range.virtualOf(ip('10.96.0.0')), ip('246.246.0.1'));
  assert.deepEqual(range.virtualOf(ip('10.96.255.255')), ip('246.246.0.2'));
  const six = createVirtualRange(subnet('fd00:0:0:246::/64'));
  assert.deepEqual(six.virtualOf(ip('fd00:10:96::1:5')), ip('fd00:0:0:246::1:5'));
});

test('rules: what is shown, what is meant, by whom it is dialled', () => {
  const addresses = createVirtualAddresses();
  assert.equal(addresses.active, false);
  assert.deepEqual(addresses.shown(ip('10.96.0.1')), ip('10.96.0.1'));
  assert.deepEqual(addresses.meant(ip('246.246.0.1')), {
    address: ip('246.246.0.1'),
    via: undefined,
  });
  addresses.set({
    ranges: subnets('246.246.0.0/16'),
    virtual: subnets('10.96.0.0/16'),
    via: [
      { subnet: subnet('10.96.7.0/24'), workload: 'first' },
      { subnet: subnet('192.168.0.0/24'), workload: 'second' },
    ],
    spared: subnets('10.96.5.0/24'),
  });
  assert.equal(addresses.active, true);
  assert.deepEqual(addresses.shown(ip('10.96.0.1')), ip('246.246.0.1'));
  assert.deepEqual(addresses.shown(ip('10.96.5.1')), ip('10.96.5.1'), 'spared');
  assert.deepEqual(addresses.shown(ip('10.244.0.9')), ip('10.244.0.9'), 'another subnet');
  assert.deepEqual(addresses.shown(ip('fd00::1')), ip('fd00::1'), 'no range of that family');
  assert.deepEqual(addresses.shown(ip('192.168.0.9')), ip('246.246.0.9'));
  assert.deepEqual(addresses.shown(ip('10.96.7.9')), ip('246.246.7.9'));
  const meant = (text: string) => addresses.meant(ip(text));
  assert.deepEqual(meant('246.246.0.1'), { address: ip('10.96.0.1'), via: undefined });
  assert.deepEqual(meant('246.246.7.9'), { address: ip('10.96.7.9'), via: 'first' });
  assert.deepEqual(meant('246.246.0.9'), { address: ip('192.168.0.9'), via: 'second' });
  assert.deepEqual(meant('10.96.7.200'), { address: ip('10.96.7.200'), via: 'first' });
  assert.equal(meant('246.246.99.99'), undefined, 'given to nobody');
  assert.equal(addresses.isVirtual(ip('246.246.99.99')), true);
  assert.equal(addresses.isVirtual(ip('10.96.0.1')), false);
});

test('new rules leave addresses that were given away what they are', () => {
  const addresses = createVirtualAddresses();
  const rules = { ranges: subnets('246.246.0.0/16'), via: [], spared: [] };
  addresses.set({ ...rules, virtual: subnets('10.96.0.0/16') });
  const shown = addresses.shown(ip('10.96.3.4'));
  addresses.set({ ...rules, virtual: subnets('10.244.0.0/16') });
  assert.deepEqual(addresses.meant(ip('246.246.3.4'))?.address, ip('10.96.3.4'));
  assert.deepEqual(addresses.shown(ip('10.244.3.4')), ip('246.246.3.5'));
  addresses.set({ ...rules, virtual: subnets('10.96.0.0/16', '10.244.0.0/16') });
  assert.deepEqual(addresses.shown(ip('10.96.3.4')), shown);
});
