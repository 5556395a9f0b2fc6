import { clientClusterRole } from './client-rights.ts';
import { crds } from './crds.ts';
import type { InstallContext, Manifest } from './manifest.ts';
import { identityPolicy } from './policies.ts';

/** Once a cluster, kept while any manager is left: the resources and who may write what. */
export function clusterPart(context: InstallContext): Manifest[] {
  return [...crds(context), ...identityPolicy(context), clientClusterRole(context)];
}
