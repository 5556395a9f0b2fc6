import { group } from '#protocol/resources.ts';
import { specificationGroup } from '#spec/schema/manifest.ts';
import {
  helmMetadata,
  managerName,
  ownedMetadata,
  type InstallContext,
  type Manifest,
} from './manifest.ts';
import { claimedNamespaces, type Values } from './values.ts';

const rbac = 'rbac.authorization.k8s.io/v1';
const rbacGroup = 'rbac.authorization.k8s.io';

/** The ClusterRole that lets people connect and intercept, bound for the cluster or for namespaces. */
export const clientRole = 'telepresence-client';
/** The Role in the manager's namespace that lets them reach the manager. */
export const tunnelRole = 'traffic-manager-tunnel';

/**
 * Whoever may create intercepts in a namespace gets the environment of its workloads: never
 * aggregated into edit or view.
 */
export function clientClusterRole(context: InstallContext): Manifest {
  return {
    apiVersion: rbac,
    kind: 'ClusterRole',
    metadata: helmMetadata(context, clientRole, { keep: true }),
    rules: [
      {
        apiGroups: [group],
        resources: ['connections', 'intercepts'],
        verbs: ['create', 'get', 'list', 'watch', 'delete'],
      },
      // telepresence intercept run NAME
      { apiGroups: [specificationGroup], resources: ['ispecs'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
    ],
  };
}

/** What is needed in the manager's namespace: the tunnel, and the pods for where it is not let through. */
export function clientTunnelRole(context: InstallContext): Manifest {
  const { namespace } = context;
  return {
    apiVersion: rbac,
    kind: 'Role',
    metadata: helmMetadata(context, tunnelRole, { namespace }),
    rules: [
      {
        apiGroups: [''],
        resources: ['services/proxy'],
        // Kubernetes compares the whole of it, scheme and port included.
        resourceNames: [`https:${managerName}:api`],
        verbs: ['get', 'create'],
      },
      { apiGroups: [''], resources: ['services'], resourceNames: [managerName], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create', 'get'] },
    ],
  };
}

/** Where `clientRbac.subjects` get their rights; undefined: everywhere. */
function clientNamespaces(values: Values): readonly string[] | undefined {
  const { namespaces } = values.clientRbac;
  return namespaces.length > 0 ? namespaces : claimedNamespaces(values);
}

/** Roles and bindings for `clientRbac.subjects`. */
export function clientBindings(values: Values, context: InstallContext): Manifest[] {
  const { create, subjects, ruleExtras } = values.clientRbac;
  if (!create || subjects.length === 0) return [];
  const who = subjects.map(({ kind, name, namespace }) =>
    kind === 'ServiceAccount'
      ? { kind, name, namespace: namespace ?? context.namespace }
      : { kind, name, apiGroup: rbacGroup },
  );
  const extraRole = `${clientRole}-extra-${context.namespace}`;
  const bound = (name: string, role: string): Manifest[] => {
    const what = {
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: role },
      subjects: who,
    };
    return (
      clientNamespaces(values)?.map((namespace) =>
        binding(helmMetadata(context, name, { namespace }), what),
      ) ?? [binding(ownedMetadata(context, name), what)]
    );
  };
  return [
    binding(helmMetadata(context, tunnelRole, { namespace: context.namespace }), {
      roleRef: { apiGroup: rbacGroup, kind: 'Role', name: tunnelRole },
      subjects: who,
    }),
    ...bound(`${clientRole}-${context.namespace}`, clientRole),
    ...(ruleExtras === false || ruleExtras.length === 0
      ? []
      : [
          {
            apiVersion: rbac,
            kind: 'ClusterRole',
            metadata: ownedMetadata(context, extraRole),
            rules: ruleExtras,
          },
          ...bound(extraRole, extraRole),
        ]),
  ];
}

function binding(
  metadata: Manifest['metadata'],
  what: { readonly roleRef: unknown; readonly subjects: unknown },
): Manifest {
  const kind = metadata.namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  return { apiVersion: rbac, kind, metadata, ...what };
}
