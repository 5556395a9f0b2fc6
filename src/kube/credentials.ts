import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '#base/clock.ts';
import { cannotRead } from './cannot-read.ts';
import { KubeError } from './errors.ts';
import { runExecPlugin } from './exec-plugin.ts';
import type { Credentials } from './cluster-access.ts';
import type { ClusterEntry, UserEntry } from './kubeconfig-file.ts';
import { oidcTokens } from './oidc.ts';

// Files are renewed by others (bound tokens, cert-manager): look again after a while.
const rereadMs = 60_000;

/** How the credentials of a kubeconfig's user are read, each time they are wanted fresh. */
export function credentialReader(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: {
    readonly user: UserEntry;
    readonly userName: string;
    /** Where the user's relative paths start. */
    readonly folder: string;
    readonly cluster: ClusterEntry;
    readonly ca: string | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): () => Promise<Credentials> {
  const { user, userName, folder } = options;
  const token = tokenReader(deps, options);
  return async () => {
    const [cert, key, more] = await Promise.all([
      readMaterial(folder, {
        data: user['client-certificate-data'],
        file: user['client-certificate'],
        of: `client-certificate of user ${userName}`,
      }),
      readMaterial(folder, {
        data: user['client-key-data'],
        file: user['client-key'],
        of: `client-key of user ${userName}`,
      }),
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
  const { user, userName, folder, cluster, ca, env } = options;
  if (user.token) {
    const authorization = `Bearer ${user.token}`;
    return async () => ({ authorization });
  }
  if (user.tokenFile) {
    const file = user.tokenFile;
    return async () => ({
      authorization: `Bearer ${(await readText(folder, file, `tokenFile of user ${userName}`)).trim()}`,
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
          of: `idp-certificate-authority of user ${userName}`,
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
  source: {
    readonly data: string | undefined;
    readonly file: string | undefined;
    /** What it is in the kubeconfig, for the error. */
    readonly of: string;
  },
): Promise<string | undefined> {
  const { data, file, of } = source;
  if (!data) return file ? await readText(folder, file, of) : undefined;
  // Node skips what is no base64 without a word.
  if (!/^[a-z0-9+/\s]*={0,2}\s*$/i.test(data)) {
    throw new KubeError('BadConfig', `the kubeconfig is broken: the ${of} is not base64`, {
      hint: 'get the file anew',
    });
  }
  return Buffer.from(data, 'base64').toString('utf8');
}

async function readText(folder: string, file: string, of: string): Promise<string> {
  const full = path.resolve(folder, file);
  try {
    return await readFile(full, 'utf8');
  } catch (error) {
    throw new KubeError('BadConfig', `the ${of} is in ${full}, which ${cannotRead(error)}`, {
      cause: error,
      hint: 'put it there, or get the kubeconfig anew',
    });
  }
}
