import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSubnet } from '#host/subnets.ts';
import { parseIp, parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import type { Plan } from '../plan.ts';
import { settle, type Settled } from './virtual-subnets.ts';

const subnets = (...texts: string[]): Subnet[] => texts.flatMap((text) => parseSubnet(text) ?? []);
const cluster: Plan = {
  redirectPort: 4000,
  subnets: subnets('10.96.0.0/16', '10.244.0.0/16'),
  alsoProxy: subnets('192.168.50.0/24'),
  spared: [],
  sparedPorts: [],
  services: subnets('10.96.0.0/16'),
  openServices: [],
  names: undefined,
  allowConflicts: false,
  mayConflict: [],
  gate: true,
  avoidConflicts: true,
  virtual: [],
  virtualSubnet: undefined,
  alwaysVirtual: false,
  bridges: [],
};
const machine = (
  routes: readonly string[] = [],
  more: Partial<Parameters<typeof settle>[1]> = {},
): Parameters<typeof settle>[1] => ({
  routes: routes.flatMap((text) =>
    subnets(text).map((subnet) => ({ subnet, device: 'tun0', text: `${text} dev tun0` })),
  ),
  kubeProxy: [],
  allowed: [],
  spared: [],
  before: undefined,
  ...more,
});
const texts = ({ plan, virtual, ranges }: Settled) => ({
  subnets: plan.subnets.map(formatSubnet),
  alsoProxy: plan.alsoProxy.map(formatSubnet),
  services: plan.services.map(formatSubnet),
  virtual: virtual.map(({ subnet, why }) => [formatSubnet(subnet), why]),
  ranges: ranges.map(formatSubnet),
});

test('where nothing overlaps the plan stays what it is', () => {
  const settled = settle(cluster, machine(['172.16.0.0/12']));
  assert.deepEqual(settled.plan, cluster);
  assert.deepEqual([settled.virtual, settled.ranges], [[], []]);
});

test('what overlaps is virtual as a whole, and nothing there is refused or routed', () => {
  assert.deepEqual(texts(settle(cluster, machine(['10.96.7.0/24']))), {
    subnets: ['10.244.0.0/16', '246.246.0.0/16'],
    alsoProxy: ['192.168.50.0/24'],
    services: [],
    virtual: [['10.96.0.0/16', 'the route 10.96.7.0/24 dev tun0']],
    ranges: ['246.246.0.0/16'],
  });
  const vpn = texts(settle(cluster, machine(['10.0.0.0/8', '192.168.50.9/32'])));
  assert.deepEqual(vpn.subnets, ['246.246.0.0/16']);
  assert.deepEqual(vpn.alsoProxy, []);
  assert.equal(vpn.virtual.length, 3);
  const kubeProxy = ['10.96.0.1'].flatMap((text) => parseIp(text) ?? []);
  assert.deepEqual(texts(settle(cluster, machine([], { kubeProxy }))).virtual, [
    ['10.96.0.0/16', "a local cluster's service address 10.96.0.1"],
  ]);
});

test('what may conflict, what is left alone, and what nobody asked about', () => {
  const routes = ['10.96.7.0/24'];
  const allowed = subnets('10.96.0.0/16');
  assert.deepEqual(settle(cluster, machine(routes, { allowed })).virtual, []);
  const spared = { ...cluster, spared: subnets('10.96.7.0/24') };
  assert.deepEqual(settle(spared, machine(routes)).virtual, []);
  const off = { ...cluster, avoidConflicts: false };
  assert.deepEqual(settle(off, machine(routes)).virtual, []);
  assert.deepEqual(settle({ ...cluster, allowConflicts: true }, machine(routes)).virtual, []);
});

test('what is asked for is virtual, of a subnet its part', () => {
  const asked = { ...cluster, virtual: subnets('10.96.128.0/17'), avoidConflicts: false };
  assert.deepEqual(texts(settle(asked, machine())), {
    subnets: ['10.96.0.0/17', '10.244.0.0/16', '246.246.0.0/16'],
    alsoProxy: ['192.168.50.0/24'],
    services: ['10.96.0.0/17'],
    virtual: [['10.96.128.0/17', undefined]],
    ranges: ['246.246.0.0/16'],
  });
  const via = settle({ ...cluster, alwaysVirtual: true }, machine());
  assert.deepEqual(via.ranges.map(formatSubnet), ['246.246.0.0/16']);
  assert.deepEqual(via.virtual, []);
});

test('both families have a range of their own', () => {
  const both = { ...cluster, subnets: subnets('10.96.0.0/16', 'fd00:10:96::/112') };
  const settled = settle(both, machine(['10.96.7.0/24', 'fd00:10:96::/64']));
  assert.deepEqual(settled.ranges.map(formatSubnet), ['246.246.0.0/16', 'fd00:0:0:246::/64']);
});

test('virtual addresses are where this machine has nothing, and stay there', () => {
  const routes = ['10.96.7.0/24', '246.246.9.0/24'];
  const settled = settle(cluster, machine(routes));
  assert.deepEqual(settled.ranges.map(formatSubnet), ['247.247.0.0/16']);
  // The first would be free again, and so would be the cluster's own: programs remember the other.
  const after = settle(cluster, machine([], { before: settled }));
  assert.deepEqual(texts(after), texts(settled));
});

test('the one that is wanted, or none', () => {
  const routes = ['10.96.7.0/24'];
  const wanted = { ...cluster, virtualSubnet: subnets('100.64.0.0/20')[0] };
  assert.deepEqual(settle(wanted, machine(routes)).ranges.map(formatSubnet), ['100.64.0.0/20']);
  assert.throws(() => settle(wanted, machine([...routes, '100.64.1.0/24'])), {
    code: 'SubnetConflict',
    message: 'the virtual subnet 100.64.0.0/20 overlaps with the route 100.64.1.0/24 dev tun0',
  });
  const inside = { ...cluster, virtualSubnet: subnets('10.244.7.0/24')[0] };
  assert.throws(() => settle(inside, machine(routes)), /overlaps with 10\.244\.0\.0\/16/);
  assert.throws(
    () => settle(cluster, machine([...routes, '240.0.0.0/4', '198.18.0.0/15', '192.0.2.7/32'])),
    /no virtual subnet for 10\.96\.0\.0\/16/,
  );
});
