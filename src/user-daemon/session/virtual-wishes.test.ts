import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIp } from '#protocol/ip-address.ts';
import { viaRules, virtualMachine } from './virtual-wishes.ts';

const named = { service: ['10.96.0.0/16'], pods: ['10.244.0.0/16'], also: ['192.168.0.0/24'] };
const quiet = { vnat: [], proxyVia: [], virtualSubnet: '' };
const admin = { virtualSubnet: '', autoResolveConflicts: undefined };

test('words for subnets', () => {
  const { virtual } = virtualMachine({ ...quiet, vnat: ['pods', '10.1.0.0/16'] }, named, admin);
  assert.deepEqual(virtual, ['10.244.0.0/16', '10.1.0.0/16']);
  const all = virtualMachine({ ...quiet, vnat: ['all', 'service'] }, named, admin);
  assert.deepEqual(all.virtual, ['192.168.0.0/24', '10.96.0.0/16', '10.244.0.0/16']);
  const proxyVia = [
    { subnet: 'service', workload: 'a' },
    { subnet: 'also', workload: 'b' },
    { subnet: '10.2.0.0/16', workload: 'c' },
  ];
  assert.deepEqual(
    viaRules({ proxyVia }, named).map(({ subnet, workload }) => [formatIp(subnet), workload]),
    [
      ['10.96.0.0', 'a'],
      ['192.168.0.0', 'b'],
      ['10.2.0.0', 'c'],
    ],
  );
});

test('the user is heard before the administrator, and conflicts are avoided unless one says no', () => {
  const of = (said: boolean | undefined, admins: boolean | undefined): boolean =>
    virtualMachine({ ...quiet, autoResolveConflicts: said }, named, {
      ...admin,
      autoResolveConflicts: admins,
    }).avoidConflicts;
  assert.equal(of(undefined, undefined), true);
  assert.equal(of(undefined, false), false);
  assert.equal(of(true, false), true);
  assert.equal(of(false, true), false);
  const where = (said: string, admins: string): string =>
    virtualMachine({ ...quiet, virtualSubnet: said }, named, { ...admin, virtualSubnet: admins })
      .virtualSubnet;
  assert.equal(where('100.64.0.0/16', '100.65.0.0/16'), '100.64.0.0/16');
  assert.equal(where('', '100.65.0.0/16'), '100.65.0.0/16');
});

test('who names a way around a conflict has it though conflicts are not avoided', () => {
  const proxyVia = [{ subnet: 'pods', workload: 'echo' }];
  const on = virtualMachine({ ...quiet, proxyVia }, named, admin);
  assert.deepEqual([on.virtual, on.alwaysVirtual], [[], true]);
  const off = virtualMachine({ ...quiet, proxyVia, autoResolveConflicts: false }, named, admin);
  assert.deepEqual(off.virtual, ['10.244.0.0/16']);
});
