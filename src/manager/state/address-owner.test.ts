import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { namespacesOfAddress } from './address-owner.ts';
import { podObject, serviceObject } from './cluster-objects.ts';

const services = [
  v.parse(serviceObject, {
    metadata: { name: 'db', namespace: 'shop' },
    spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7', 'fd00::7'] },
  }),
  v.parse(serviceObject, { metadata: { namespace: 'shop' }, spec: { clusterIP: 'None' } }),
];
const pod = (namespace: string, ...podIPs: readonly string[]) =>
  v.parse(podObject, {
    metadata: { name: 'p', namespace },
    spec: {},
    status: { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) },
  });
const pods = [pod('shop', '10.244.0.5', 'fd01::5'), pod('a', '192.0.2.1'), pod('b', '192.0.2.1')];

test('whose an address is: a Service’s, a pod’s, of either family, or several on a node', () => {
  const of = (address: string): string[] => [...namespacesOfAddress({ services, pods }, address)];
  assert.deepEqual(of('10.96.0.7'), ['shop']);
  assert.deepEqual(of('fd00:0::7'), ['shop']);
  assert.deepEqual(of('10.244.0.5'), ['shop']);
  assert.deepEqual(of('fd01::5'), ['shop']);
  assert.deepEqual(of('192.0.2.1'), ['a', 'b']);
  assert.deepEqual(of('10.0.0.1'), []);
});
