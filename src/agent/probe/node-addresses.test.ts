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
  const found = nodeAddresses({ hostIp: '172.31.0.10', routeTable });
  assert.deepEqual([...found].toSorted(), ['10.244.0.1', '172.31.0.10']);
});

test('without either, what is left', () => {
  assert.deepEqual([...nodeAddresses({ hostIp: undefined, routeTable: '' })], []);
  assert.deepEqual([...nodeAddresses({ hostIp: '', routeTable: 'eth0 00000000 00000000 1' })], []);
});
