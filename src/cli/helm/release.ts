import { version } from '#base/version.ts';
import { managerName, type InstallContext } from '#install/manifest.ts';
import { manifests, namespaceManifest } from '#install/manifests.ts';
import { applyManifests } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { recordRevision } from '#kube/helm-history.ts';
import { listReleases, type HelmRelease } from '#kube/helm-release.ts';
import { formatManifests, parseManifests } from '#kube/manifest.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources } from '#kube/resource.ts';
import { waitForDeployment, waitForService } from '#kube/wait-ready.ts';
import { fieldManager } from '#protocol/resources.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { checkedValues } from './given-values.ts';
import type { ValueTree } from './set-value.ts';

/** The chart's name in Helm's record; the peer's is another one. */
export const chartName = 'telepresence-ts';

const readyMs = 120_000;

/** Writes one revision: the objects that follow from the values, and Helm's record of it. */
export async function writeRevision(
  context: CliContext,
  client: KubeClient,
  options: {
    readonly namespace: string;
    readonly given: ValueTree;
    readonly createNamespace: boolean;
  },
): Promise<void> {
  const { namespace, given } = options;
  const { signal } = context;
  const values = checkedValues(given);
  const deps = {
    client,
    clock: context.clock,
    random: Math.random,
    finder: createResourceFinder(client),
  };
  const bare: InstallContext = { release: managerName, namespace, version };
  const namespaceUid = await ensureNamespace(client, {
    ...options,
    make: async () => {
      const only = { manifests: [namespaceManifest(bare)], fieldManager, signal };
      await applyManifests(deps, only);
    },
    signal,
  });
  const wanted = manifests(values, { ...bare, namespaceUid });
  await recordRevision(
    deps,
    {
      namespace,
      name: managerName,
      chart: {
        name: chartName,
        version,
        appVersion: version,
        description: 'The traffic-manager of Telepresence',
      },
      defaults: defaultValues(),
      values: given,
      manifest: formatManifests(wanted),
      signal,
    },
    async (previous) => {
      await applyManifests(deps, {
        manifests: wanted,
        previous: previous.flatMap(({ manifest }) => parseManifests(manifest)),
        fieldManager,
        signal,
      });
      if (values.replicaCount === 0) return;
      const waiting = { namespace, name: managerName, deadlineMs: readyMs, signal };
      const onProgress = (words: string): void => {
        if (context.interactive) context.warn(`traffic-manager: ${words}`);
      };
      await waitForDeployment(deps, { ...waiting, onProgress });
      await waitForService(deps, waiting);
    },
  );
}

function defaultValues(): Readonly<Record<string, unknown>> {
  return { ...checkedValues({}) };
}

/** The last revision that is not uninstalled; one of another chart is refused. */
export async function currentRelease(
  client: KubeClient,
  options: { readonly namespace: string; readonly signal: AbortSignal },
): Promise<HelmRelease | undefined> {
  const releases = await listReleases(client, { ...options, name: managerName });
  const last = releases.findLast(({ info }) => info.status !== 'uninstalled');
  const chart = last?.chart.metadata.name ?? chartName;
  if (chart !== chartName) {
    throw new CliError(
      'Failed',
      `the release ${managerName} in namespace ${options.namespace} is of the chart ${chart}, not ours`,
      { hint: `uninstall it first: helm uninstall ${managerName} -n ${options.namespace}` },
    );
  }
  return last;
}

async function ensureNamespace(
  client: KubeClient,
  options: {
    readonly namespace: string;
    readonly createNamespace: boolean;
    readonly make: () => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { namespace, signal } = options;
  const address = {
    resource: resources.namespaces,
    name: namespace,
    schema: kubeObjectSchema,
    signal,
  };
  const found = await client.find(address);
  if (found !== undefined) return found.metadata.uid;
  if (!options.createNamespace) {
    throw new CliError('Failed', `namespace ${namespace} does not exist`, {
      hint: 'let it be created: --create-namespace',
    });
  }
  await options.make();
  return (await client.get(address)).metadata.uid;
}
