/** An object as it is to be applied. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

/** Which installation this is. */
export interface InstallContext {
  /** Name of the Helm release: `traffic-manager`. */
  readonly release: string;
  readonly namespace: string;
  /** UID of the manager's Namespace object, where it exists already: it owns what is cluster-wide. */
  readonly namespaceUid?: string | undefined;
  /** Version of this program, and the tag of its images. */
  readonly version: string;
}

/** The name of most objects, and of the manager's account. */
export const managerName = 'traffic-manager';

/** Labels that find the manager's pods. */
export const managerSelector = { app: managerName, telepresence: 'manager' } as const;

/** Metadata as Helm writes it, so that `helm` knows the object as one of the release. */
export function helmMetadata(
  context: InstallContext,
  name: string,
  options: { readonly namespace?: string; readonly keep?: boolean } = {},
): Manifest['metadata'] {
  return {
    name,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    labels: {
      'app.kubernetes.io/name': managerName,
      'app.kubernetes.io/version': context.version,
      'app.kubernetes.io/managed-by': 'Helm',
    },
    annotations: {
      'meta.helm.sh/release-name': context.release,
      'meta.helm.sh/release-namespace': context.namespace,
      ...(options.keep === true ? { 'helm.sh/resource-policy': 'keep' } : {}),
    },
  };
}

/** Metadata of a cluster-wide object of one manager: gone when the manager's namespace is. */
export function ownedMetadata(context: InstallContext, name: string): Manifest['metadata'] {
  const metadata = helmMetadata(context, name);
  if (context.namespaceUid === undefined) return metadata;
  return {
    ...metadata,
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        name: context.namespace,
        uid: context.namespaceUid,
        blockOwnerDeletion: false,
      },
    ],
  };
}
