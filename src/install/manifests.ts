import { clusterPart, type Manifest } from './cluster-part.ts';
import { managerPart } from './manager-part.ts';
import type { Values } from './values.ts';

/** Where it is installed and from what, beside the user's values. */
export interface InstallContext {
  /** Helm's name of the release. */
  readonly release: string;
  readonly namespace: string;
  /** The namespace object's UID, once it exists: it owns the webhook configuration. */
  readonly namespaceUid: string | undefined;
  /** The image of this very version. */
  readonly defaultImage: { readonly registry: string; readonly name: string; readonly tag: string };
}

/** Everything that `helm install` applies, in that order, with the labels by which Helm knows its own. */
export function manifests(values: Values, context: InstallContext): readonly Manifest[] {
  return [...clusterPart(), ...managerPart(values, context)].map((one) => owned(one, context));
}

function owned(manifest: Manifest, { release, namespace }: InstallContext): Manifest {
  const metadata = record(manifest['metadata']);
  return {
    ...manifest,
    metadata: {
      ...metadata,
      labels: { ...record(metadata['labels']), 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: {
        ...record(metadata['annotations']),
        'meta.helm.sh/release-name': release,
        'meta.helm.sh/release-namespace': namespace,
      },
    },
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
