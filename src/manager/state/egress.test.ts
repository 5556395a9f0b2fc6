import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { networkPolicyObject } from './cluster-objects.ts';
import { policiesAgainst, type ManagerPlace, type PolicyPod } from './egress.ts';

const named = (name: string) => ({ 'kubernetes.io/metadata.name': name });
const app: PolicyPod = {
  namespace: 'shop',
  namespaceLabels: named('shop'),
  labels: { app: 'hello' },
  ips: [],
};
const managers: ManagerPlace = {
  pods: [
    {
      namespace: 'ambassador',
      namespaceLabels: named('ambassador'),
      labels: { app: 'traffic-manager' },
      ips: ['10.244.0.9'],
    },
  ],
  port: 8081,
  portName: 'agents',
};

function against(...specs: readonly (readonly [namespace: string, spec: object])[]): string {
  const policies = specs.map(([namespace, spec], index) =>
    v.parse(networkPolicyObject, { metadata: { name: `p${String(index)}`, namespace }, spec }),
  );
  return policiesAgainst(policies, app, managers).join(', ');
}

const denyAll = { podSelector: {}, policyTypes: ['Egress'] };
const dns = { ports: [{ protocol: 'UDP', port: 53 }] };
const egress = (...rules: readonly object[]): object => ({ ...denyAll, egress: rules });
const denied = 'p0 of namespace shop';

test('no policy, one of other pods, of another direction, of another namespace', () => {
  assert.equal(against(), '');
  assert.equal(against(['shop', { ...denyAll, podSelector: { matchLabels: { app: 'x' } } }]), '');
  assert.equal(against(['shop', { ...denyAll, policyTypes: ['Ingress'] }]), '');
  assert.equal(against(['other', denyAll]), '');
});

test('all egress denied, and what lets it out again', () => {
  assert.equal(against(['shop', denyAll]), denied);
  const hello = { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } };
  assert.equal(against(['shop', { ...denyAll, ...hello }]), denied);
  assert.equal(against(['shop', egress({})]), '');
  // Policies add up.
  assert.equal(against(['shop', denyAll], ['shop', egress({})]), '');
});

test('a rule for the manager, by namespace, pods, address and port', () => {
  const manager = { namespaceSelector: { matchLabels: named('ambassador') } };
  const rule = (to: readonly object[], ...ports: readonly object[]): string =>
    against(['shop', egress(dns, { to, ports })]);
  assert.equal(rule([manager]), '');
  assert.equal(rule([manager], { port: 8081 }), '');
  assert.equal(rule([manager], { port: 'agents' }), '');
  assert.equal(rule([manager], { port: 8000, endPort: 9000 }), '');
  assert.equal(rule([manager], { port: 443 }), denied);
  assert.equal(rule([manager], { port: 8081, protocol: 'SCTP' }), denied);
  const pods = { podSelector: { matchLabels: { app: 'traffic-manager' } } };
  assert.equal(rule([{ ...manager, ...pods }]), '');
  // Without a namespace it is pods of the policy's own.
  assert.equal(rule([pods]), denied);
  assert.equal(rule([{ ipBlock: { cidr: '10.0.0.0/8' } }]), '');
  assert.equal(rule([{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.244.0.0/16'] } }]), denied);
  assert.equal(rule([{ ipBlock: { cidr: '192.168.0.0/16' } }]), denied);
});

test('a manager that can be reached but not be found', () => {
  assert.equal(against(['shop', egress({ ports: [{ port: 8081 }] })]), denied);
});

test('the manager’s own namespace lets nobody in, or not these', () => {
  const ingress = (...rules: readonly object[]): object => ({
    podSelector: {},
    policyTypes: ['Ingress'],
    ingress: rules,
  });
  const barred = 'p0 of namespace ambassador';
  assert.equal(against(['ambassador', ingress()]), barred);
  assert.equal(against(['ambassador', ingress({ from: [{ podSelector: {} }] })]), barred);
  assert.equal(against(['ambassador', ingress({ ports: [{ port: 10_250 }] })]), barred);
  assert.equal(against(['ambassador', ingress({ from: [{ namespaceSelector: {} }] })]), '');
  // Whose address this is cannot be known before there is a pod.
  assert.equal(
    against(['ambassador', ingress({ from: [{ ipBlock: { cidr: '1.0.0.0/8' } }] })]),
    '',
  );
});
