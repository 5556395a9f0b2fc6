import { clusterPart } from './cluster-part.ts';
import { managerPart } from './manager-part.ts';
import { type InstallContext, type Manifest } from './manifest.ts';
import type { Values } from './values.ts';

const rightsOnly: ReadonlySet<string> = new Set([
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
]);

/**
 * Everything that an installation consists of, in the order of installation, but for the namespace:
 * it may have been there before, and may hold what is not ours.
 */
export function manifests(values: Values, context: InstallContext): Manifest[] {
  const all = [...clusterPart(context), ...managerPart(values, context)];
  return values.rbac.only ? all.filter(({ kind }) => rightsOnly.has(kind)) : all;
}
