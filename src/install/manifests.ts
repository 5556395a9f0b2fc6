import { clusterPart } from './cluster-part.ts';
import { managerPart } from './manager-part.ts';
import { helmMetadata, type InstallContext, type Manifest } from './manifest.ts';
import type { Values } from './values.ts';

/** The manager's namespace. Its UID, once it exists, belongs into the context of everything else. */
export function namespaceManifest(context: InstallContext): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: helmMetadata(context, context.namespace, { keep: true }),
  };
}

/** Everything that an installation consists of, in the order of installation. */
export function manifests(values: Values, context: InstallContext): Manifest[] {
  return [namespaceManifest(context), ...clusterPart(context), ...managerPart(values, context)];
}
