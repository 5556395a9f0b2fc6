import { apiVersion } from '#protocol/resources.ts';
import { createSigner, type Signer } from '#tunnel/keys.ts';

/** A Connection as a laptop writes it. */
export function connectionManifest(options: {
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly signer?: Signer;
  /** Workloads from whose pods flows are to leave. */
  readonly via?: readonly string[];
}): object {
  const { namespace, name, user, via, signer = createSigner() } = options;
  return {
    apiVersion,
    kind: 'Connection',
    metadata: { namespace, name },
    spec: {
      user,
      client: `${user}@e2e`,
      installId: 'e2e00000-0000-4000-8000-000000000000',
      publicKey: signer.publicKey,
      ...(via === undefined ? {} : { via }),
    },
  };
}

/** An Intercept as a laptop writes it. */
export function interceptManifest(options: {
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly connection: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly workload?: string;
}): object {
  const { namespace, name, user, connection } = options;
  return {
    apiVersion,
    kind: 'Intercept',
    metadata: { namespace, name },
    spec: {
      name,
      user,
      client: `${user}@e2e`,
      connection,
      workload: { name: options.workload ?? 'hello' },
      target: { host: '127.0.0.1', port: 8080 },
    },
  };
}

/** A UID that no object has. */
export const unknownUid = 'deadbeef-dead-4ead-8ead-deadbeefdead';
