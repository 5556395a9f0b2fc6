import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { describe, systemCode, toError } from '#base/errors.ts';
import { KubeError } from './errors.ts';
import type { Credentials } from './identity.ts';
import type { ClusterEntry, ExecEntry } from './kubeconfig-file.ts';
import { parseJson } from './status.ts';

const answerSchema = v.object({
  kind: v.literal('ExecCredential'),
  status: v.object({
    token: v.optional(v.string()),
    clientCertificateData: v.optional(v.string()),
    clientKeyData: v.optional(v.string()),
    expirationTimestamp: v.optional(v.string()),
  }),
});

const aheadMs = 30_000;

/**
 * Runs a credential plugin (client.authentication.k8s.io) and reads what it prints. It has no
 * terminal: a plugin that must ask something fails, and its words are in the error.
 */
export async function runExecPlugin(
  plugin: ExecEntry,
  options: {
    /** The environment of the shell that asked to connect, not the daemon's own. */
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly folder: string;
    readonly cluster: ClusterEntry;
    /** The cluster's authority as base64, where it is known. */
    readonly caData: string | undefined;
  },
): Promise<Credentials> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(plugin.provideClusterInfo === true ? { cluster: clusterInfo(options) } : {}),
    },
  };
  // A path is relative to the kubeconfig, a bare name is looked for in PATH.
  const command = plugin.command.includes(path.sep)
    ? path.resolve(options.folder, plugin.command)
    : plugin.command;
  const child = spawn(command, plugin.args ?? [], {
    env: {
      ...options.env,
      ...Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.withResolvers<number | null>();
  child.on('error', ended.reject);
  child.on('close', ended.resolve);
  let output: readonly [number | null, string, string];
  try {
    output = await Promise.all([ended.promise, text(child.stdout), text(child.stderr)]);
  } catch (error) {
    const absent = systemCode(error) === 'ENOENT';
    throw new KubeError(
      'BadConfig',
      `credential plugin ${plugin.command} ${absent ? 'is not installed' : `cannot be run: ${describe(error)}`}`,
      {
        cause: toError(error),
        hint:
          plugin.installHint?.trim() ?? 'install it, or put its directory into PATH of this shell',
      },
    );
  }
  const [code, stdout, stderr] = output;
  if (code !== 0) {
    const words = stderr
      .trim()
      .slice(-1000)
      .replaceAll(/\s*\n\s*/g, '; ');
    throw new KubeError(
      'Unauthorized',
      `credential plugin ${plugin.command} failed${words === '' ? ` (exit code ${String(code)})` : `: ${words}`}`,
      { hint: 'sign in as the plugin wants it, then connect again' },
    );
  }
  const answer = v.safeParse(answerSchema, parseJson(stdout));
  if (!answer.success) {
    throw new KubeError(
      'Unauthorized',
      `credential plugin ${plugin.command} printed no ExecCredential`,
      { hint: `look at what it prints: ${[plugin.command, ...(plugin.args ?? [])].join(' ')}` },
    );
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.output.status;
  const expires = Date.parse(expirationTimestamp ?? '');
  return {
    cert: clientCertificateData,
    key: clientKeyData,
    authorization: token === undefined ? undefined : `Bearer ${token}`,
    refreshAt: Number.isNaN(expires) ? undefined : expires - aheadMs,
  };
}

function clusterInfo(options: {
  readonly cluster: ClusterEntry;
  readonly caData: string | undefined;
}): object {
  const { cluster } = options;
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'],
    'certificate-authority-data': options.caData,
    'proxy-url': cluster['proxy-url'],
  };
}
