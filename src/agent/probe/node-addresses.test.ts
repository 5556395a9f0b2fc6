import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nodeAddresses } from './node-addresses.ts';

/** As it is in a pod of a bridge. */
const routeTable = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100F40A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000F40A\t0200F40A\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0100F40A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
`;

test('the node’s address and the pod’s gateway', () => {
  const found = nodeAddresses({ hostIps: ['172.31.0.10'], routeTable });
  assert.deepEqual([...found].toSorted(), ['10.244.0.1', '172.31.0.10']);
});

test('without either, what is left', () => {
  assert.deepEqual([...nodeAddresses({ hostIps: [], routeTable: '' })], []);
  assert.deepEqual([...nodeAddresses({ hostIps: [], routeTable: 'eth0 00000000 00000000 1' })], []);
});

test('of both families', () => {
  const zero = '0'.repeat(32);
  const routeTableV6 = `fd00001002440000000000000000000a 80 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0
${zero} 00 ${zero} 00 fd000010024400000000000000000001 00000400 00000001 00000000 00000003     eth0
${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
`;
  const hostIps = ['172.31.0.10', 'fd00:31::10'];
  assert.deepEqual(
    [...nodeAddresses({ hostIps, routeTable: '', routeTableV6 })],
    [...hostIps, 'fd00:10:244::1'],
  );
});
