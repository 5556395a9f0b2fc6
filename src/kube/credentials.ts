import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '#base/clock.ts';
import { KubeError } from './errors.ts';
import { runExecPlugin } from './exec-plugin.ts';
import type { Credentials } from './identity.ts';
import type { ClusterEntry, UserEntry } from './kubeconfig-file.ts';
import { oidcTokens } from './oidc.ts';

// Files are renewed by others (bound tokens, cert-manager): look again after a while.
const rereadMs = 60_000;

/** How the credentials of a kubeconfig's user are read, each time they are wanted fresh. */
export function credentialReader(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: {
    readonly user: UserEntry;
    /** Where the user's relative paths start. */
    readonly folder: string;
    readonly cluster: ClusterEntry;
    readonly ca: string | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): () => Promise<Credentials> {
  const { user, folder } = options;
  const token = tokenReader(deps, options);
  return async () => {
    const [cert, key, more] = await Promise.all([
      readMaterial(folder, {
        data: user['client-certificate-data'],
        file: user['client-certificate'],
      }),
      readMaterial(folder, { data: user['client-key-data'], file: user['client-key'] }),
      token(),
    ]);
    const fromFile = Boolean(user['client-certificate'] ?? user['client-key']);
    const reread = fromFile ? deps.clock.now() + rereadMs : Number.POSITIVE_INFINITY;
    return {
      authorization: more.authorization,
      cert: more.cert ?? cert,
      key: more.key ?? key,
      refreshAt: Math.min(more.refreshAt ?? Number.POSITIVE_INFINITY, reread),
    };
  };
}

function tokenReader(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: Parameters<typeof credentialReader>[1],
): () => Promise<Credentials> {
  const { user, folder, cluster, ca, env } = options;
  if (user.token) {
    const authorization = `Bearer ${user.token}`;
    return async () => ({ authorization });
  }
  if (user.tokenFile) {
    const file = user.tokenFile;
    return async () => ({
      authorization: `Bearer ${(await readText(folder, file)).trim()}`,
      refreshAt: deps.clock.now() + rereadMs,
    });
  }
  if (user.exec) {
    const plugin = user.exec;
    const caData = ca === undefined ? undefined : Buffer.from(ca).toString('base64');
    return async () => await runExecPlugin(plugin, { env, folder, cluster, caData });
  }
  const provider = user['auth-provider'];
  if (provider) {
    const config = provider.config ?? {};
    if (provider.name !== 'oidc') {
      throw new KubeError(
        'BadConfig',
        `the kubeconfig uses auth-provider ${provider.name}, which kubectl dropped in 1.26: use its exec plugin`,
      );
    }
    return oidcTokens(
      { now: () => deps.clock.now() },
      config,
      async () =>
        await readMaterial(folder, {
          data: config['idp-certificate-authority-data'],
          file: config['idp-certificate-authority'],
        }),
    );
  }
  if (user.username !== undefined && user.username !== '') {
    const pair = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
    return async () => ({ authorization: `Basic ${pair}` });
  }
  return async () => ({});
}

/** A certificate or key: given as base64, or as a file; undefined where neither is. */
export async function readMaterial(
  folder: string,
  source: { readonly data: string | undefined; readonly file: string | undefined },
): Promise<string | undefined> {
  if (source.data) return Buffer.from(source.data, 'base64').toString('utf8');
  return source.file ? await readText(folder, source.file) : undefined;
}

async function readText(folder: string, file: string): Promise<string> {
  try {
    return await readFile(path.resolve(folder, file), 'utf8');
  } catch (error) {
    throw new KubeError('BadConfig', `the kubeconfig names ${file}, which cannot be read`, {
      cause: error,
    });
  }
}
