import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, systemCode, toError } from '#base/errors.ts';
import { KubeError } from './errors.ts';
import type { Credentials } from './cluster-access.ts';
import { credentialsFrom, lastWords, wholeOutput } from './exec-answer.ts';
import type { ClusterEntry, ExecEntry } from './kubeconfig-file.ts';

// It may open a browser, and wait for somebody to sign in there.
const withinMs = 5 * 60_000;

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
  const failed = (what: string, more: { cause?: Error; hint?: string | undefined }): KubeError =>
    new KubeError('BadConfig', `credential plugin ${plugin.command} ${what}`, more);
  let output: Awaited<ReturnType<typeof outputOf>>;
  try {
    output = await outputOf(command, plugin.args ?? [], {
      ...options.env,
      ...Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    });
  } catch (error) {
    const cause = toError(error);
    if (systemCode(error) === 'ENOENT') {
      throw failed('is not installed', {
        cause,
        hint:
          plugin.installHint?.trim() ?? 'install it, or put its directory into PATH of this shell',
      });
    }
    const late = cause.name === 'AbortError';
    const within = `has not ended within ${String(withinMs / 60_000)} minutes`;
    throw failed(late ? within : `cannot be run: ${describe(error)}`, {
      cause,
      hint: 'run it by hand: it must print an ExecCredential, without being asked anything',
    });
  }
  const { code, stdout, stderr } = output;
  if (code !== 0) {
    throw new KubeError(
      'Unauthorized',
      `credential plugin ${plugin.command} failed${stderr === '' ? ` (exit code ${String(code)})` : `: ${stderr}`}`,
      { hint: 'sign in as the plugin wants it, then connect again' },
    );
  }
  return credentialsFrom(stdout, plugin);
}

/** Runs a program to its end; it does not outlive what is thrown here. */
async function outputOf(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  // Also thrown at once: for a zero in an argument, or more of them than the system takes.
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(withinMs),
    killSignal: 'SIGKILL',
  });
  const ended = Promise.withResolvers<number | null>();
  child.on('error', ended.reject);
  child.on('close', ended.resolve);
  try {
    const [code, stdout, stderr] = await Promise.all([
      ended.promise,
      wholeOutput(child.stdout),
      lastWords(child.stderr),
    ]);
    return { code, stdout, stderr };
  } finally {
    child.kill('SIGKILL');
    // A child of its own may hold them open.
    child.stdout.destroy();
    child.stderr.destroy();
  }
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
