import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatIp } from '#protocol/ip-address.ts';

import { parseBridges, probeDevice } from './bridges.ts';

const address = (local: string, scope = 'global') => ({ local, scope });
const link = (ifname: string, kind: string | undefined, more: object = {}) => ({
  ifname,
  ...(kind === undefined ? {} : { linkinfo: { info_kind: kind } }),
  ...more,
});
const read = (...links: readonly object[]) =>
  parseBridges(JSON.stringify(links)).map(({ device, addresses }) =>
    [device].concat(addresses.map(formatIp)),
  );

const docker0 = link('docker0', 'bridge', {
  addr_info: [address('172.17.0.1'), address('fe80::1', 'link'), address('fd00:17::1')],
});

test('bridges and their own addresses', () => {
  const eth0 = link('eth0', undefined, { addr_info: [address('198.18.0.2')] });
  const wire = link('veth1', 'veth', { master: 'docker0' });
  assert.deepEqual(read(eth0, docker0, wire), [['docker0', '172.17.0.1', 'fd00:17::1']]);
  assert.deepEqual(parseBridges(''), []);
});

test('a bridge that is a LAN’s too, or has no address, is none', () => {
  for (const kind of [undefined, 'vlan', 'bond']) {
    assert.deepEqual(read(docker0, link('port', kind, { master: 'docker0' })), []);
  }
  assert.deepEqual(read(link('br-1', 'bridge')), []);
  const tentative = { ...address('fd00:18::1'), tentative: true };
  assert.deepEqual(read(link('br-1', 'bridge', { addr_info: [tentative] })), []);
});

test('our own device for trying a bridge does not make it another', () => {
  assert.equal(read(docker0, link(probeDevice, 'tun', { master: 'docker0' })).length, 1);
});

test('what is not understood', () => {
  assert.throws(() => parseBridges('[{"ifname":7}]'), { code: 'ToolFailed' });
});
