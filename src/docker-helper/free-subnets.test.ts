import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { overlaps } from '#host/subnets.ts';
import { subnets } from '#protocol/dial-policy.ts';
import { freeSubnets, reached } from './free-subnets.ts';

const all = freeSubnets([]);
const lan = (name: string, cidr: string) => ({
  [name]: [
    {
      address: cidr.split('/')[0] ?? '',
      netmask: '',
      family: 'IPv4' as const,
      mac: '',
      internal: false,
      cidr,
    },
  ],
});
const route = (cidr: string, device: string) => subnets(cidr).map((subnet) => ({ subnet, device }));

test('a subnet that is taken is not chosen, whoever has it', () => {
  assert.ok(all.length > 4);
  assert.deepEqual(freeSubnets(subnets('192.168.1.0/24', 'fd00::/8')), all);
  for (const [taken, start] of [
    ['192.168.0.0/16', '192.168.'],
    ['10.0.0.0/8', '10.'],
    ['172.16.0.0/12', '172.'],
  ] as const) {
    const left = all.filter((subnet) => !subnet.startsWith(start));
    assert.ok(left.length < all.length);
    assert.deepEqual(freeSubnets(subnets(taken)), left);
  }
  assert.deepEqual(freeSubnets(subnets('0.0.0.0/0')), []);
  const some = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
  fc.assert(
    fc.property(fc.array(some), (made) => {
      const taken = subnets(...made.map(([address, prefix]) => `${address}/${String(prefix)}`));
      for (const chosen of subnets(...freeSubnets(taken))) {
        assert.ok(!taken.some((one) => overlaps(one, chosen)));
      }
    }),
  );
});

test('a laptop has the networks that it is in and those that it has routes to', () => {
  const { length } = all;
  const interfaces = { ...lan('eth0', '192.168.231.9/24'), ...lan('br-1', '10.231.77.1/24') };
  const routes = [
    ...route('0.0.0.0/0', 'eth0'),
    ...route('0.0.0.0/1', 'tun0'),
    ...route('128.0.0.0/1', 'tun0'),
    ...route('172.29.0.0/16', 'tun0'),
    ...route('10.231.77.0/24', 'br-1'),
  ];
  // The bridge is that of the network which is asked for.
  assert.equal(freeSubnets(reached({ interfaces, routes }, 'br-1')).length, length - 2);
  assert.equal(freeSubnets(reached({ interfaces, routes }, '')).length, length - 3);
  assert.equal(freeSubnets(reached({ interfaces, routes: [] }, 'br-1')).length, length - 1);
});
