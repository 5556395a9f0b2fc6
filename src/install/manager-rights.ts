import { group } from '#protocol/resources.ts';
import {
  identitySecretName,
  managerName,
  webhookConfigurationName,
} from '#protocol/manager-config.ts';
import { clientRoleName, tunnelRules, type Manifest } from './cluster-part.ts';
import type { InstallContext } from './manifests.ts';
import type { Values } from './values.ts';

/** What the manager may do, and what clients may: no more than each needs. */
export function managerRights(values: Values, context: InstallContext): readonly Manifest[] {
  const { namespace } = context;
  const clusterName = `${managerName}-${namespace}`;
  const account = { kind: 'ServiceAccount', name: managerName, namespace };
  return [
    role('ClusterRole', { name: clusterName }, clusterRules(namespace)),
    binding('ClusterRoleBinding', { name: clusterName }, roleRef('ClusterRole', clusterName), [
      account,
    ]),
    role('Role', { name: managerName, namespace }, secretRules()),
    binding('RoleBinding', { name: managerName, namespace }, roleRef('Role', managerName), [
      account,
    ]),
    role('Role', { name: clientRoleName, namespace }, tunnelRules()),
    ...clientBindings(values, namespace),
  ];
}

function clusterRules(namespace: string): readonly object[] {
  return [
    {
      apiGroups: [group],
      resources: ['connections', 'intercepts'],
      verbs: ['get', 'list', 'watch', 'delete'],
    },
    {
      apiGroups: [group],
      resources: ['connections/status', 'intercepts/status'],
      verbs: ['patch', 'update'],
    },
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'replicasets', 'statefulsets'],
      verbs: ['get', 'list', 'watch'],
    },
    // The annotation that asks for an agent, on the pod template.
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'statefulsets', 'replicasets'],
      verbs: ['patch'],
    },
    {
      apiGroups: [''],
      resources: ['services', 'pods', 'namespaces', 'nodes'],
      verbs: ['get', 'list', 'watch'],
    },
    // `create` is used with dryRun only, to hear of quota and policies before a pod is touched.
    { apiGroups: [''], resources: ['pods'], verbs: ['create'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    {
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
      verbs: ['get', 'list', 'watch'],
    },
    {
      apiGroups: ['networking.k8s.io'],
      resources: ['servicecidrs'],
      verbs: ['get', 'list', 'watch'],
    },
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      resourceNames: [webhookConfigurationName(namespace)],
      verbs: ['get', 'patch'],
    },
  ];
}

function secretRules(): readonly object[] {
  return [
    {
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: [identitySecretName],
      verbs: ['get', 'update', 'patch'],
    },
    // A name cannot be demanded of what does not exist yet.
    { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  ];
}

function clientBindings({ clientRbac }: Values, namespace: string): readonly Manifest[] {
  if (!clientRbac.create) return [];
  const { subjects, namespaces } = clientRbac;
  const role = roleRef('ClusterRole', clientRoleName);
  return [
    binding(
      'RoleBinding',
      { name: clientRoleName, namespace },
      roleRef('Role', clientRoleName),
      subjects,
    ),
    ...(namespaces.length === 0
      ? [binding('ClusterRoleBinding', { name: `${clientRoleName}-${namespace}` }, role, subjects)]
      : namespaces.map((one) =>
          binding(
            'RoleBinding',
            { name: `${clientRoleName}-${namespace}`, namespace: one },
            role,
            subjects,
          ),
        )),
  ];
}

interface Named {
  readonly name: string;
  readonly namespace?: string;
}

const rbac = 'rbac.authorization.k8s.io';

function role(kind: 'Role' | 'ClusterRole', metadata: Named, rules: readonly object[]): Manifest {
  return { apiVersion: `${rbac}/v1`, kind, metadata, rules };
}

function roleRef(kind: 'Role' | 'ClusterRole', name: string): object {
  return { apiGroup: rbac, kind, name };
}

function binding(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  metadata: Named,
  ref: object,
  subjects: readonly { readonly kind: string }[],
): Manifest {
  const whole = subjects.map((subject) =>
    subject.kind === 'ServiceAccount' ? subject : { apiGroup: rbac, ...subject },
  );
  return { apiVersion: `${rbac}/v1`, kind, metadata, roleRef: ref, subjects: whole };
}
