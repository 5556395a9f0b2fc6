import { group } from '#protocol/resources.ts';
import {
  helmMetadata,
  managerName,
  ownedMetadata,
  type InstallContext,
  type Manifest,
} from './manifest.ts';
import { claimedNamespaces, type Values } from './values.ts';
import { webhookConfigurationName } from './webhook-configuration.ts';

const rbac = 'rbac.authorization.k8s.io/v1';
const rbacGroup = 'rbac.authorization.k8s.io';

/** The Secret with the CA and the manager's key: made once by the manager, never replaced. */
export const identitySecret = 'traffic-manager-identity';

const watched = ['get', 'list', 'watch'];

/** What it does with the objects of the namespaces that it serves. */
const servedRules = (values: Values): unknown[] => [
  { apiGroups: [group], resources: ['connections', 'intercepts'], verbs: [...watched, 'delete'] },
  { apiGroups: [group], resources: ['connections/status', 'intercepts/status'], verbs: ['patch'] },
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'replicasets', 'statefulsets'],
    verbs: [...watched, 'patch'],
  },
  ...(values.workloads.argoRollouts.enabled
    ? [{ apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: [...watched, 'patch'] }]
    : []),
  { apiGroups: [''], resources: ['services'], verbs: watched },
  // Created by dry run only: a policy holds it to that.
  { apiGroups: [''], resources: ['pods'], verbs: [...watched, 'create'] },
  { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watched },
  // What keeps agents from the manager is named.
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: watched },
];

/** What is in no namespace: even a namespaced manager needs these. */
function clusterRules(context: InstallContext): unknown[] {
  return [
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

/** Its own namespace: the identity, its Services, which are never dialled, and the other managers. */
const ownRules = [
  // RBAC cannot name what does not exist yet.
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  { apiGroups: [''], resources: ['secrets'], resourceNames: [identitySecret], verbs: ['get'] },
  { apiGroups: [''], resources: ['services', 'pods'], verbs: watched },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: watched },
  // Who of several managers writes status.
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    resourceNames: [managerName],
    verbs: [...watched, 'update'],
  },
] as const;

/** The manager's rights: least, and named. A namespaced manager has a Role in each namespace. */
export function managerRights(values: Values, context: InstallContext): Manifest[] {
  const { namespace } = context;
  const clusterName = `${managerName}-${namespace}`;
  const subjects = [{ kind: 'ServiceAccount', name: values.serviceAccount.name, namespace }];
  const claimed = claimedNamespaces(values);
  const pair = (
    scope: 'Cluster' | '',
    metadata: Manifest['metadata'],
    rules: readonly unknown[],
  ): Manifest[] => [
    { apiVersion: rbac, kind: `${scope}Role`, metadata, rules },
    {
      apiVersion: rbac,
      kind: `${scope}RoleBinding`,
      metadata,
      roleRef: { apiGroup: rbacGroup, kind: `${scope}Role`, name: metadata.name },
      subjects,
    },
  ];
  const namespaces = { apiGroups: [''], resources: ['namespaces'], verbs: watched };
  return [
    ...pair(
      'Cluster',
      ownedMetadata(context, clusterName),
      claimed === undefined
        ? [
            ...servedRules(values),
            { ...namespaces, resources: ['namespaces', 'nodes'] },
            ...clusterRules(context),
          ]
        : [{ ...namespaces, resourceNames: [...claimed, namespace] }, ...clusterRules(context)],
    ),
    ...(claimed ?? []).flatMap((one) =>
      pair('', helmMetadata(context, clusterName, { namespace: one }), servedRules(values)),
    ),
    ...pair('', helmMetadata(context, managerName, { namespace }), ownRules),
  ];
}
