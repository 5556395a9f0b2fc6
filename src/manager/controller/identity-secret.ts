import * as v from 'valibot';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { resources } from '#kube/resource.ts';
import { createSigner, importSigner, type Signer } from '#tunnel/keys.ts';
import { createAuthority, type Certificate } from '../identity/certificate.ts';

/** Who this manager is: kept in a Secret that no upgrade replaces. */
export interface ManagerIdentity {
  readonly authority: Certificate;
  readonly signer: Signer;
}

const identityData = v.object({
  data: v.object({ 'ca.crt': v.string(), 'ca.key': v.string(), 'manager.jwk': v.string() }),
});

interface Deps {
  readonly client: Pick<KubeClient, 'find' | 'get' | 'create'>;
  readonly log: Logger;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly now: () => number;
}

const dayMs = 86_400_000;

/** The identity in the Secret; made when there is none. */
export async function loadIdentity(
  deps: Deps,
  options: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<ManagerIdentity> {
  const { namespace, name, signal } = options;
  const address = { resource: resources.secrets, namespace, name, schema: identityData, signal };
  const present = await deps.client.find(address);
  if (present !== undefined) return identityOf(present);
  try {
    await deps.client.create({
      resource: resources.secrets,
      namespace,
      schema: v.unknown(),
      object: freshSecret(deps, options),
      signal,
    });
    deps.log.info('identity made', { secret: name });
  } catch (error) {
    // Another replica was faster.
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
  return identityOf(await deps.client.get(address));
}

function identityOf({ data }: v.InferOutput<typeof identityData>): ManagerIdentity {
  const text = (encoded: string): string => Buffer.from(encoded, 'base64').toString();
  return {
    authority: { cert: text(data['ca.crt']), key: text(data['ca.key']) },
    signer: importSigner(text(data['manager.jwk'])),
  };
}

function freshSecret(
  deps: Deps,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): object {
  const now = deps.now();
  const authority = createAuthority(deps, {
    commonName: `telepresence ${namespace}`,
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + 3653 * dayMs),
  });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/name': 'traffic-manager' } },
    type: 'Opaque',
    stringData: {
      'ca.crt': authority.cert,
      'ca.key': authority.key,
      'manager.jwk': createSigner().exportJwk(),
    },
  };
}
