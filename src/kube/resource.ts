/** A kind of object as the API server's paths know it. */
export interface Resource {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Where an object, or a list of them, is. */
export interface ResourceAddress {
  readonly resource: Resource;
  /** Left out for cluster-scoped kinds, and for a list over all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The path of an object or a list: `/apis/apps/v1/namespaces/default/deployments/echo/scale`. */
export function resourcePath(address: ResourceAddress): string {
  const { resource, namespace, name, subresource } = address;
  const parts = resource.group === '' ? ['api'] : ['apis', resource.group];
  parts.push(resource.version);
  if (resource.namespaced && namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** What is addressed, in words: `deployment default/echo`. */
export function describeAddress(address: ResourceAddress): string {
  const where = [address.namespace, address.name].filter((part) => part !== undefined).join('/');
  const what =
    address.name === undefined ? address.resource.plural : address.resource.kind.toLowerCase();
  const sub = address.subresource === undefined ? '' : `/${address.subresource}`;
  return where === '' ? `${what}${sub}` : `${what}${sub} ${where}`;
}

function core(plural: string, kind: string, namespaced = true): Resource {
  return { group: '', version: 'v1', plural, kind, namespaced };
}

function grouped(group: string, plural: string, kind: string, namespaced = true): Resource {
  return { group, version: 'v1', plural, kind, namespaced };
}

/** The kinds of Kubernetes itself that Telepresence reads or writes. */
export const resources = {
  configMaps: core('configmaps', 'ConfigMap'),
  events: core('events', 'Event'),
  namespaces: core('namespaces', 'Namespace', false),
  nodes: core('nodes', 'Node', false),
  pods: core('pods', 'Pod'),
  secrets: core('secrets', 'Secret'),
  serviceAccounts: core('serviceaccounts', 'ServiceAccount'),
  services: core('services', 'Service'),
  deployments: grouped('apps', 'deployments', 'Deployment'),
  replicaSets: grouped('apps', 'replicasets', 'ReplicaSet'),
  statefulSets: grouped('apps', 'statefulsets', 'StatefulSet'),
  // Of Argo Rollouts: https://argo-rollouts.readthedocs.io/en/stable/features/specification/
  rollouts: {
    group: 'argoproj.io',
    version: 'v1alpha1',
    plural: 'rollouts',
    kind: 'Rollout',
    namespaced: true,
  },
  endpointSlices: grouped('discovery.k8s.io', 'endpointslices', 'EndpointSlice'),
  leases: grouped('coordination.k8s.io', 'leases', 'Lease'),
  podDisruptionBudgets: grouped('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  networkPolicies: grouped('networking.k8s.io', 'networkpolicies', 'NetworkPolicy'),
  serviceCIDRs: grouped('networking.k8s.io', 'servicecidrs', 'ServiceCIDR', false),
  roles: grouped('rbac.authorization.k8s.io', 'roles', 'Role'),
  roleBindings: grouped('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding'),
  clusterRoles: grouped('rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', false),
  clusterRoleBindings: grouped(
    'rbac.authorization.k8s.io',
    'clusterrolebindings',
    'ClusterRoleBinding',
    false,
  ),
  customResourceDefinitions: grouped(
    'apiextensions.k8s.io',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
  mutatingWebhookConfigurations: grouped(
    'admissionregistration.k8s.io',
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
    false,
  ),
  validatingAdmissionPolicies: grouped(
    'admissionregistration.k8s.io',
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    false,
  ),
  validatingAdmissionPolicyBindings: grouped(
    'admissionregistration.k8s.io',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
  ),
  tokenReviews: grouped('authentication.k8s.io', 'tokenreviews', 'TokenReview', false),
  subjectAccessReviews: grouped(
    'authorization.k8s.io',
    'subjectaccessreviews',
    'SubjectAccessReview',
    false,
  ),
  selfSubjectReviews: grouped(
    'authentication.k8s.io',
    'selfsubjectreviews',
    'SelfSubjectReview',
    false,
  ),
  selfSubjectRulesReviews: grouped(
    'authorization.k8s.io',
    'selfsubjectrulesreviews',
    'SelfSubjectRulesReview',
    false,
  ),
  selfSubjectAccessReviews: grouped(
    'authorization.k8s.io',
    'selfsubjectaccessreviews',
    'SelfSubjectAccessReview',
    false,
  ),
} as const satisfies Readonly<Record<string, Resource>>;
