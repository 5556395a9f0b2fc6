import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { suggest } from '#base/suggest.ts';
import { cannotRead } from './cannot-read.ts';
import type { ClusterAccess, Identity } from './cluster-access.ts';
import { credentialReader, readMaterial } from './credentials.ts';
import { KubeError } from './errors.ts';
import { extensionPlace } from './extension-place.ts';
import { createIdentitySource } from './identity.ts';
import { inClusterAccess } from './in-cluster.ts';
import {
  parseKubeconfig,
  type ClusterEntry,
  type Kubeconfig,
  type UserEntry,
} from './kubeconfig-file.ts';
import { chooseProxy } from './proxy-choice.ts';

/** kubectl's flags for which cluster and who, as Telepresence's commands take them. */
export interface KubeFlags {
  readonly kubeconfig?: string | undefined;
  /** The file itself, where it came by standard input. */
  readonly kubeconfigText?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly namespace?: string | undefined;
  readonly as?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  readonly asUserExtra?: Readonly<Record<string, string[]>> | undefined;
  readonly token?: string | undefined;
  readonly server?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  /** How long one request may take; undefined: the usual time. */
  readonly requestTimeoutMs?: number | undefined;
}

interface LoadOptions {
  readonly flags: KubeFlags;
  /** Of the shell that asked, with KUBECONFIG, PATH, AWS_PROFILE and what else plugins read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Where relative paths of flags and KUBECONFIG start: the shell's folder, not the daemon's. */
  readonly workingFolder?: string;
}

/**
 * The cluster and user that kubectl would take. Without any kubeconfig, inside a pod, that is the
 * pod's own cluster.
 */
export async function loadClusterAccess(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: LoadOptions,
): Promise<ClusterAccess> {
  const { flags, env } = options;
  const folder = options.workingFolder ?? '.';
  const files =
    flags.kubeconfigText === undefined
      ? await readFiles(options)
      : [{ path: 'from standard input', folder, text: flags.kubeconfigText }];
  if (files.length === 0 && flags.kubeconfig === undefined && env['KUBERNETES_SERVICE_HOST']) {
    return await inClusterAccess(deps, { env });
  }
  const { context, cluster, user, namespace } = choose(parseKubeconfig(files), {
    ...options,
    paths: files.map((file) => file.path),
  });
  const trust = {
    ca: await readMaterial(cluster.folder, {
      data: cluster.entry['certificate-authority-data'],
      file: cluster.entry['certificate-authority'],
      of: `certificate-authority of cluster ${cluster.name}`,
    }),
    serverName: cluster.entry['tls-server-name'] || undefined,
    skipVerify: cluster.entry['insecure-skip-tls-verify'] === true,
  };
  const server = URL.parse(cluster.entry.server);
  if (server === null || !/^https?:$/.test(server.protocol)) {
    const given = cluster.entry.server;
    throw new KubeError(
      'BadConfig',
      `the server of cluster ${cluster.name} is not a URL: ${given === '' ? 'it is empty' : given}`,
      { hint: 'write it as https://HOST:PORT' },
    );
  }
  const lendable = {
    user: user.name,
    impersonation: impersonation(user.entry),
    read: credentialReader(deps, {
      user: user.entry,
      userName: user.name,
      folder: user.folder,
      cluster: cluster.entry,
      ca: trust.ca,
      env,
    }),
  };
  return {
    server,
    context,
    cluster: cluster.name,
    namespace,
    proxy: chooseProxy(server, { proxyUrl: cluster.entry['proxy-url'], env }),
    trust,
    requestTimeoutMs: flags.requestTimeoutMs,
    extension: (name) => cluster.entry.extensions?.find((one) => one.name === name)?.extension,
    extensionPlace: (name, at) => extensionPlace(files, { cluster: cluster.name, name, at }),
    who: [user.name, ...(user.entry.as ? [`as ${user.entry.as}`] : [])].join(' '),
    lendable,
    ...createIdentitySource(deps, { trust, ...lendable }),
  };
}

/** All that the kubeconfig files hold, merged. */
export async function readKubeconfig(options: LoadOptions): Promise<Kubeconfig> {
  const { kubeconfigText: text } = options.flags;
  const folder = options.workingFolder ?? '.';
  return parseKubeconfig(
    text === undefined ? await readFiles(options) : [{ path: 'from standard input', folder, text }],
  );
}

async function readFiles(
  options: LoadOptions,
): Promise<{ path: string; folder: string; text: string }[]> {
  const { flags, env, home } = options;
  const fromEnv = env['KUBECONFIG']?.split(path.delimiter).filter((name) => name !== '') ?? [];
  const paths =
    flags.kubeconfig === undefined
      ? fromEnv.length > 0
        ? fromEnv
        : [path.join(home, '.kube', 'config')]
      : [flags.kubeconfig];
  const files = [];
  for (const name of paths.map((name) => path.resolve(options.workingFolder ?? '.', name))) {
    try {
      files.push({ path: name, folder: path.dirname(name), text: await readFile(name, 'utf8') });
    } catch (error) {
      // Like kubectl: a list may name files that are not there, the flag may not.
      if (systemCode(error) === 'ENOENT' && flags.kubeconfig === undefined) continue;
      throw new KubeError('BadConfig', `kubeconfig ${name} ${cannotRead(error)}`, {
        cause: error,
        hint: 'name another one with --kubeconfig or KUBECONFIG',
      });
    }
  }
  return files;
}

interface Chosen<T> {
  readonly name: string;
  readonly folder: string;
  readonly entry: T;
}

function choose(
  config: Kubeconfig,
  { flags, workingFolder = '.', paths, home }: LoadOptions & { readonly paths: readonly string[] },
): {
  readonly context: string;
  readonly namespace: string;
  readonly cluster: Chosen<ClusterEntry>;
  readonly user: Chosen<UserEntry>;
} {
  const contextName = flags.context ?? config.currentContext;
  const context = contextName === undefined ? undefined : config.contexts.get(contextName);
  if (contextName !== undefined && context === undefined) {
    throw missing('context', contextName, [...config.contexts.keys()]);
  }
  const clusterName = flags.cluster ?? context?.cluster;
  const cluster = clusterName === undefined ? undefined : config.clusters.get(clusterName);
  if (cluster === undefined && (clusterName !== undefined || flags.server === undefined)) {
    if (clusterName !== undefined)
      throw missing('cluster', clusterName, [...config.clusters.keys()]);
    throw paths.length === 0
      ? new KubeError(
          'BadConfig',
          `there is no kubeconfig (${path.join(home, '.kube', 'config')})`,
          {
            hint: 'name one with --kubeconfig or KUBECONFIG',
          },
        )
      : new KubeError('BadConfig', `kubeconfig ${paths.join(', ')} has no current context`, {
          hint: `choose one with --context or kubectl config use-context; ${listed('there is', [...config.contexts.keys()])}`,
        });
  }
  const userName = flags.user ?? context?.user;
  const user = userName === undefined ? undefined : config.users.get(userName);
  if (userName !== undefined && userName !== '' && user === undefined) {
    throw missing('user', userName, [...config.users.keys()]);
  }
  return {
    context: contextName ?? '',
    namespace: flags.namespace || context?.namespace || 'default',
    cluster: {
      name: clusterName ?? flags.server ?? '',
      folder: cluster?.folder ?? '.',
      entry: withClusterFlags(cluster?.value ?? { server: '' }, flags, workingFolder),
    },
    user: {
      name: userName ?? '',
      folder: user?.folder ?? '.',
      entry: withUserFlags(user?.value ?? {}, flags, workingFolder),
    },
  };
}

function missing(what: string, name: string, known: readonly string[]): KubeError {
  const [near] = suggest(name, known);
  return new KubeError('BadConfig', `the kubeconfig has no ${what} ${name}`, {
    hint: near === undefined ? listed('it has', known) : `did you mean: ${near}`,
  });
}

/** The first of many names. */
function listed(words: string, names: readonly string[]): string {
  const more = names.length > 5 ? ', …' : '';
  return names.length === 0 ? `${words} none` : `${words} ${names.slice(0, 5).join(', ')}${more}`;
}

function withClusterFlags(entry: ClusterEntry, flags: KubeFlags, folder: string): ClusterEntry {
  return {
    ...entry,
    ...(flags.server === undefined ? {} : { server: flags.server }),
    ...(flags.certificateAuthority === undefined
      ? {}
      : {
          'certificate-authority': path.resolve(folder, flags.certificateAuthority),
          'certificate-authority-data': '',
        }),
    ...(flags.insecureSkipTlsVerify === undefined
      ? {}
      : { 'insecure-skip-tls-verify': flags.insecureSkipTlsVerify }),
    ...(flags.tlsServerName === undefined ? {} : { 'tls-server-name': flags.tlsServerName }),
  };
}

function withUserFlags(entry: UserEntry, flags: KubeFlags, folder: string): UserEntry {
  return {
    ...entry,
    ...(flags.token === undefined
      ? {}
      : { token: flags.token, tokenFile: '', exec: null, 'auth-provider': null }),
    ...(flags.clientCertificate === undefined
      ? {}
      : {
          'client-certificate': path.resolve(folder, flags.clientCertificate),
          'client-certificate-data': '',
        }),
    ...(flags.clientKey === undefined
      ? {}
      : { 'client-key': path.resolve(folder, flags.clientKey), 'client-key-data': '' }),
    ...(flags.as === undefined ? {} : { as: flags.as }),
    ...(flags.asUid === undefined ? {} : { 'as-uid': flags.asUid }),
    ...(flags.asUserExtra === undefined ? {} : { 'as-user-extra': { ...flags.asUserExtra } }),
    ...(flags.asGroups === undefined ? {} : { 'as-groups': [...flags.asGroups] }),
  };
}

function impersonation(user: UserEntry): Identity['headers'] {
  if (user.as === undefined || user.as === '') return {};
  const extra = Object.entries(user['as-user-extra'] ?? {}).map(([key, values]) => [
    `impersonate-extra-${encodeURIComponent(key).toLowerCase()}`,
    values,
  ]);
  return {
    'impersonate-user': user.as,
    ...(user['as-uid'] === undefined ? {} : { 'impersonate-uid': user['as-uid'] }),
    ...(user['as-groups']?.length ? { 'impersonate-group': user['as-groups'] } : {}),
    ...Object.fromEntries(extra),
  };
}
