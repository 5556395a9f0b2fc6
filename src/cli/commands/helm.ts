import { version } from '#base/version.ts';
import { parseValues } from '#install/values.ts';
import type { KubeClient } from '#kube/client.ts';
import {
  brokenExtension,
  clusterExtensionName,
  parseClusterSettings,
} from '#protocol/client-settings.ts';
import type { ClientConfig } from '../config/config-schema.ts';
import { heededConfig } from '../config/heeded-config.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { clusterClient, clusterError } from '../helm/cluster-client.ts';
import { configValues } from '../helm/config-values.ts';
import { givenValues, givesValues, problemLine } from '../helm/given-values.ts';
import {
  chartName,
  currentRelease,
  upgradeSpecificationKind,
  writeClusterPart,
  writeRevision,
} from '../helm/release.ts';
import { mergeValues, type ValueTree } from '../helm/set-value.ts';
import { removeRelease } from '../helm/uninstall.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { RunCommand } from './command-spec.ts';

/** Where the manager is or shall be: both flags mean it here; then as `connect` looks for it. */
async function namespaceOf(
  context: CliContext,
  line: ParsedLine,
  { client, config }: { client: Pick<KubeClient, 'access'>; config: ClientConfig },
): Promise<string> {
  const typed =
    line.text('namespace') ??
    line.text('manager-namespace') ??
    context.env['TELEPRESENCE_MANAGER_NAMESPACE'];
  if (typed !== undefined) return typed;
  const said = parseClusterSettings(client.access.extension?.(clusterExtensionName));
  if (!said.ok) {
    const { message, hint } = brokenExtension(client.access, said);
    throw new CliError('Failed', message, { hint });
  }
  if (said.value.managerNamespace !== '') return said.value.managerNamespace;
  return config.cluster.defaultManagerNamespace || 'ambassador';
}

/** Every error of the API server leaves as a sentence. */
async function telling(run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    throw clusterError(error);
  }
}

/** `telepresence helm install` */
export const runHelmInstall: RunCommand = async (context, line) =>
  await telling(async () => {
    const { config } = await heededConfig(context);
    const given = mergeValues(configValues(context.env, config), await givenValues(line, context));
    await using client = await clusterClient(context, line);
    const namespace = await namespaceOf(context, line, { client, config });
    if (line.on('crds')) {
      await writeClusterPart(context, client, namespace);
      context.print('Custom resources and policies installed successfully');
      return;
    }
    const { signal } = context;
    const before = await currentRelease(client, { namespace, signal });
    if (before?.info.status === 'deployed' || before?.info.status === 'superseded') {
      throw new CliError(
        'Failed',
        `the traffic-manager is already installed in namespace ${namespace}`,
        { hint: 'change it with: telepresence helm upgrade' },
      );
    }
    await writeRevision(context, client, {
      namespace,
      given,
      createNamespace: line.on('create-namespace'),
    });
    context.print('Traffic Manager installed successfully');
  });

/** `telepresence helm upgrade` */
export const runHelmUpgrade: RunCommand = async (context, line) =>
  await telling(async () => {
    if (line.on('reset-values') && line.on('reuse-values')) {
      throw new CliError('Usage', '--reset-values and --reuse-values contradict each other');
    }
    const { config } = await heededConfig(context);
    const typed = await givenValues(line, context);
    await using client = await clusterClient(context, line);
    const namespace = await namespaceOf(context, line, { client, config });
    const before = await currentRelease(client, { namespace, signal: context.signal });
    if (before === undefined) throw notInstalled(namespace);
    const given = mergeValues(
      configValues(context.env, config),
      upgradeValues(line, typed, { ...before.config }),
    );
    await writeRevision(context, client, { namespace, given, createNamespace: false });
    await upgradeSpecificationKind(context, client, namespace);
    context.print('Traffic Manager upgraded successfully');
  });

/** Helm's rule: the old values stay where no new ones are given, unless a flag says otherwise. */
function upgradeValues(line: ParsedLine, typed: ValueTree, before: ValueTree): ValueTree {
  if (line.on('reset-values')) return typed;
  if (line.on('reuse-values')) return mergeValues(before, typed);
  return givesValues(line) ? typed : before;
}

/** `telepresence helm uninstall` */
export const runHelmUninstall: RunCommand = async (context, line) =>
  await telling(async () => {
    const { config } = await heededConfig(context);
    await using client = await clusterClient(context, line);
    const namespace = await namespaceOf(context, line, { client, config });
    const release = await currentRelease(client, { namespace, signal: context.signal });
    if (release === undefined) throw notInstalled(namespace);
    await removeRelease(context, client, release);
    context.print('Traffic Manager uninstalled successfully');
  });

/** `telepresence helm lint`: the values alone, without a cluster. */
export const runHelmLint: RunCommand = async (context, line) => {
  const parsed = parseValues(await givenValues(line, context));
  context.print(`==> Linting ${chartName}`);
  if (parsed.ok) for (const note of parsed.notes) context.print(`[INFO] ${note}`);
  else for (const problem of parsed.problems) context.print(`[ERROR] ${problemLine(problem)}`);
  context.print('');
  context.print(`1 chart(s) linted, ${parsed.ok ? '0' : '1'} chart(s) failed`);
  return parsed.ok ? 0 : 1;
};

/** `telepresence helm version`: what would be installed, and what is. */
export const runHelmVersion: RunCommand = async (context, line) =>
  await telling(async () => {
    context.print(`Chart    : ${chartName}-${version}`);
    const { config } = await heededConfig(context);
    await using client = await clusterClient(context, line);
    const namespace = await namespaceOf(context, line, { client, config });
    const release = await currentRelease(client, { namespace, signal: context.signal });
    const installed =
      release === undefined
        ? `nothing in namespace ${namespace}`
        : `${release.chart.metadata.name}-${release.chart.metadata.version}, revision ${String(release.version)}, ${release.info.status}, in namespace ${namespace}`;
    context.print(`Installed: ${installed}`);
  });

function notInstalled(namespace: string): CliError {
  return new CliError('Failed', `the traffic-manager is not installed in namespace ${namespace}`, {
    hint: 'install it: telepresence helm install, or name another namespace with -n',
  });
}
