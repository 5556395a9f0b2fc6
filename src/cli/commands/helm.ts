import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { clusterClient, clusterError } from '../helm/cluster-client.ts';
import { givenValues } from '../helm/given-values.ts';
import { currentRelease, writeRevision } from '../helm/release.ts';
import { mergeValues, type ValueTree } from '../helm/set-value.ts';
import { removeRelease } from '../helm/uninstall.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { RunCommand } from './command-spec.ts';

/** Where the manager is or shall be: both flags mean it here. */
function namespaceOf(context: CliContext, line: ParsedLine): string {
  return (
    line.text('namespace') ??
    line.text('manager-namespace') ??
    context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ??
    'ambassador'
  );
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
    const namespace = namespaceOf(context, line);
    const given = await givenValues(line, context.cwd);
    await using client = await clusterClient(context, line);
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
    const namespace = namespaceOf(context, line);
    const typed = await givenValues(line, context.cwd);
    await using client = await clusterClient(context, line);
    const before = await currentRelease(client, { namespace, signal: context.signal });
    if (before === undefined) throw notInstalled(namespace);
    const given = upgradeValues(line, typed, { ...before.config });
    await writeRevision(context, client, { namespace, given, createNamespace: false });
    context.print('Traffic Manager upgraded successfully');
  });

/** Helm's rule: the old values stay where no new ones are given, unless a flag says otherwise. */
function upgradeValues(line: ParsedLine, typed: ValueTree, before: ValueTree): ValueTree {
  if (line.on('reset-values')) return typed;
  if (line.on('reuse-values')) return mergeValues(before, typed);
  return line.given('set') || line.given('values') ? typed : before;
}

/** `telepresence helm uninstall` */
export const runHelmUninstall: RunCommand = async (context, line) =>
  await telling(async () => {
    const namespace = namespaceOf(context, line);
    await using client = await clusterClient(context, line);
    const release = await currentRelease(client, { namespace, signal: context.signal });
    if (release === undefined) throw notInstalled(namespace);
    await removeRelease(context, client, release);
    context.print('Traffic Manager uninstalled successfully');
  });

function notInstalled(namespace: string): CliError {
  return new CliError('Failed', `the traffic-manager is not installed in namespace ${namespace}`, {
    hint: 'install it: telepresence helm install',
  });
}
