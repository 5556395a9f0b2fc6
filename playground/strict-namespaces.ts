import { denyEgressPrefix } from './deny-egress.ts';

/** What a cluster's administrators forbid in a namespace. */
export type Strictness = 'baseline' | 'restricted' | 'quota' | 'deny-egress';

/** The manifests of a namespace with one such limit; `deny-egress` must be how its name begins. */
export function strictNamespace(name: string, strictness: Strictness): readonly object[] {
  const namespace = (labels: Readonly<Record<string, string>>): object => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  });
  if (strictness === 'quota') return [namespace({}), ...quota(name)];
  if (strictness === 'deny-egress') {
    if (name.startsWith(denyEgressPrefix)) return [namespace({}), denyEgress(name)];
    throw new RangeError(`namespace ${name}: the name must begin with ${denyEgressPrefix}`);
  }
  return [namespace({ 'pod-security.kubernetes.io/enforce': strictness })];
}

/** The ones that every playground has. */
export const strictNamespaces: readonly object[] = [
  ...strictNamespace('baseline', 'baseline'),
  ...strictNamespace('restricted', 'restricted'),
  ...strictNamespace('quota', 'quota'),
  ...strictNamespace('deny-egress', 'deny-egress'),
];

/** Room for two small pods, and for no sidecar beside them; pods that ask for nothing are small. */
function quota(namespace: string): readonly object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'small', namespace },
      spec: {
        limits: [{ type: 'Container', defaultRequest: { cpu: '10m', memory: '16Mi' } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'small', namespace },
      spec: { hard: { pods: '2', 'requests.cpu': '20m', 'requests.memory': '64Mi' } },
    },
  ];
}

/** What it looks like to who asks the cluster; the node's own rules do it (deny-egress.ts). */
function denyEgress(namespace: string): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny-egress', namespace },
    spec: { podSelector: {}, policyTypes: ['Egress'] },
  };
}
