import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { KubeError } from './errors.ts';
import { createIdentitySource } from './identity.ts';

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
// The kubelet renews the token in its file well before it runs out.
const rereadMs = 60_000;

/** The cluster that this pod runs in, as its service account. */
export async function inClusterAccess(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly folder?: string;
  },
): Promise<ClusterAccess> {
  const folder = options.folder ?? accountFolder;
  const host = options.env['KUBERNETES_SERVICE_HOST'];
  const port = options.env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined) {
    throw new KubeError('BadConfig', 'not in a pod: KUBERNETES_SERVICE_HOST is not set');
  }
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(path.join(folder, name), 'utf8');
    } catch (error) {
      throw new KubeError('BadConfig', `the pod has no service account token (${name})`, {
        cause: error,
      });
    }
  };
  const [ca, namespace] = await Promise.all([read('ca.crt'), read('namespace')]);
  const trust = { ca, serverName: undefined, skipVerify: false };
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    context: 'in-cluster',
    cluster: 'in-cluster',
    namespace: namespace.trim(),
    proxy: undefined,
    trust,
    ...createIdentitySource(deps, {
      trust,
      user: 'serviceaccount',
      impersonation: {},
      read: async () => ({
        authorization: `Bearer ${(await read('token')).trim()}`,
        refreshAt: deps.clock.now() + rereadMs,
      }),
    }),
  };
}
