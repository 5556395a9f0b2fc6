import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSubnet } from '#host/subnets.ts';
import { parseIp, parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import { RootDaemonError } from '../errors.ts';
import { deviceSubnets, refuseConflicts } from './conflicts.ts';

const subnets = (...texts: string[]): Subnet[] => texts.flatMap((text) => parseSubnet(text) ?? []);
const kubeProxy = ['10.96.0.1'].flatMap((text) => parseIp(text) ?? []);
const routes = subnets('10.8.0.0/16').map((subnet) => ({
  subnet,
  device: 'tun0',
  text: '10.8.0.0/16 dev tun0',
}));

test('the device carries what is routed, once, without what is left alone', () => {
  const rules = {
    redirectPort: 1,
    routed: subnets('10.96.0.0/24', '10.96.0.128/25', '10.96.0.0/24', '10.1.0.4/31'),
    spared: subnets('10.96.0.0/25'),
    sparedPorts: [{ address: { family: 4, value: 0x0a010005n }, port: 443 }] as const,
    services: [],
    openServices: [],
    names: undefined,
    gate: 'zone',
    apart: true,
    bridges: [],
    bridgeNameservers: [],
  } as const;
  assert.deepEqual(deviceSubnets(rules).map(formatSubnet), ['10.96.0.128/25', '10.1.0.4/32']);
});

test('what is in the way is named', () => {
  const refused = (wanted: string, text: RegExp): void =>
    assert.throws(
      () => refuseConflicts(subnets(wanted), { routes, kubeProxy }),
      (error) =>
        error instanceof RootDaemonError &&
        error.code === 'SubnetConflict' &&
        error.facts['subnet'] === wanted &&
        text.test(error.message),
    );
  refused('10.0.0.0/9', /the route 10\.8\.0\.0\/16 dev tun0/);
  refused('10.8.9.0/24', /the route 10\.8\.0\.0\/16 dev tun0/);
  refused('10.96.0.0/12', /a local cluster's service address 10\.96\.0\.1/);
  refuseConflicts(subnets('10.244.0.0/16'), { routes, kubeProxy });
});

test('what the user has given up is not in the way', () => {
  const given = (...allowed: string[]) => ({ routes, kubeProxy, allowed: subnets(...allowed) });
  // The cluster's subnet lies in it, or what is in the way does.
  refuseConflicts(subnets('10.8.9.0/24'), given('10.8.0.0/16'));
  refuseConflicts(subnets('10.0.0.0/9'), given('10.8.0.0/16', '10.96.0.1/32'));
  assert.throws(() => refuseConflicts(subnets('10.8.9.0/24'), given('10.8.9.0/25')), {
    code: 'SubnetConflict',
  });
});
