import { group } from '#protocol/resources.ts';
import {
  helmMetadata,
  managerName,
  ownedMetadata,
  type InstallContext,
  type Manifest,
} from './manifest.ts';
import { webhookConfigurationName } from './webhook-configuration.ts';

const rbac = 'rbac.authorization.k8s.io/v1';
const rbacGroup = 'rbac.authorization.k8s.io';

/** The Secret with the CA and the manager's key: made once by the manager, never replaced. */
export const identitySecret = 'traffic-manager-identity';

const watched = ['get', 'list', 'watch'];

function clusterRules(context: InstallContext): unknown[] {
  return [
    { apiGroups: [group], resources: ['connections', 'intercepts'], verbs: [...watched, 'delete'] },
    {
      apiGroups: [group],
      resources: ['connections/status', 'intercepts/status'],
      verbs: ['patch'],
    },
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'replicasets', 'statefulsets'],
      verbs: [...watched, 'patch'],
    },
    { apiGroups: [''], resources: ['namespaces', 'nodes', 'services'], verbs: watched },
    // Created by dry run only: a policy holds it to that.
    { apiGroups: [''], resources: ['pods'], verbs: [...watched, 'create'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watched },
    { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: watched },
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    // Which namespaces a laptop's user may use.
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      resourceNames: [webhookConfigurationName(context)],
      verbs: [...watched, 'patch'],
    },
  ];
}

/** The manager's account and its rights: least, and named. */
export function managerRights(context: InstallContext): Manifest[] {
  const { namespace } = context;
  const clusterName = `${managerName}-${namespace}`;
  const subjects = [{ kind: 'ServiceAccount', name: managerName, namespace }];
  return [
    {
      apiVersion: rbac,
      kind: 'ClusterRole',
      metadata: ownedMetadata(context, clusterName),
      rules: clusterRules(context),
    },
    {
      apiVersion: rbac,
      kind: 'ClusterRoleBinding',
      metadata: ownedMetadata(context, clusterName),
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: clusterName },
      subjects,
    },
    {
      apiVersion: rbac,
      kind: 'Role',
      metadata: helmMetadata(context, managerName, { namespace }),
      rules: [
        // RBAC cannot name what does not exist yet.
        { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
        {
          apiGroups: [''],
          resources: ['secrets'],
          resourceNames: [identitySecret],
          verbs: ['get'],
        },
        // Who of several managers writes status.
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          resourceNames: [managerName],
          verbs: [...watched, 'update'],
        },
      ],
    },
    {
      apiVersion: rbac,
      kind: 'RoleBinding',
      metadata: helmMetadata(context, managerName, { namespace }),
      roleRef: { apiGroup: rbacGroup, kind: 'Role', name: managerName },
      subjects,
    },
  ];
}
