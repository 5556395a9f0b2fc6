import { version } from '#base/version.ts';
import { clusterPart } from '#install/cluster-part.ts';
import { managerName, type InstallContext } from '#install/manifest.ts';
import { manifests } from '#install/manifests.ts';
import { claimedNamespaces, defaultValues, type Values } from '#install/values.ts';
import { serverVersion } from '#kube/access.ts';
import { applyManifests, type ApplyDeps } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { recordRevision } from '#kube/helm-history.ts';
import { listReleases, type HelmRelease } from '#kube/helm-release.ts';
import { formatManifests, manifestKey, parseManifests } from '#kube/manifest.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources } from '#kube/resource.ts';
import { waitForService } from '#kube/wait-ready.ts';
import { nudgeDeployment, waitForDeployment } from '#kube/wait-rollout.ts';
import { fieldManager } from '#protocol/resources.ts';
import { readClientConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { checkedValues } from './given-values.ts';
import { findManagers, refuseOverlap } from './other-managers.ts';
import { writeSpecificationKind } from './specification-kind.ts';
import type { ValueTree } from './set-value.ts';

/** The chart's name in Helm's record; the peer's is another one. */
export const chartName = 'telepresence-ts';

const readyMs = 120_000;
const oldestMinor = 30;

interface RevisionOptions {
  readonly namespace: string;
  readonly given: ValueTree;
  readonly createNamespace: boolean;
}

/** Writes one revision: the objects that follow from the values, and Helm's record of it. */
export async function writeRevision(
  context: CliContext,
  client: KubeClient,
  options: RevisionOptions,
): Promise<void> {
  const { namespace, given } = options;
  const { signal } = context;
  const { values, notes } = checkedValues(given);
  for (const note of notes) context.warn(`value ${note}`);
  await refuseOldCluster(client, signal);
  const claimed = claimedNamespaces(values);
  refuseOverlap(await findManagers(client, { namespace, signal }), { namespace, claimed });
  await needNamespaces(client, claimed ?? [], signal);
  const deps = depsOf(context, client);
  const bare: InstallContext = { release: managerName, namespace, version };
  const namespaceUid = await ensureNamespace(client, { ...options, signal });
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
      defaults: { ...defaultValues() },
      values: given,
      manifest: formatManifests(wanted),
      signal,
    },
    async (previous, last) => {
      const shared = new Set(clusterPart(bare).map(manifestKey));
      await applyManifests(deps, {
        manifests: wanted,
        previous: previous.flatMap(({ manifest }) => parseManifests(manifest)),
        fieldManager,
        // Written once by an administrator of the cluster: who installs later may have to do with it.
        mayStay: (manifest) => shared.has(manifestKey(manifest)),
        signal,
      });
      if (values.rbac.only) return;
      await waitUntilReady(context, deps, {
        namespace,
        values,
        retried: last?.info.status === 'failed',
      });
    },
  );
}

/** Writes what all managers of the cluster share, and nothing else. */
export async function writeClusterPart(
  context: CliContext,
  client: KubeClient,
  namespace: string,
): Promise<void> {
  const { signal } = context;
  await refuseOldCluster(client, signal);
  const parts = clusterPart({ release: managerName, namespace, version });
  const onStep = ({ did, what }: { readonly did: string; readonly what: string }): void =>
    context.warn(`${what} ${did}`);
  const deps = depsOf(context, client);
  await applyManifests(deps, { manifests: parts, fieldManager, onStep, signal });
  const bare = { release: managerName, namespace, version };
  await writeSpecificationKind(deps, { context: bare, how: 'install', onStep, signal });
}

/** Brings the kind of Intercept Specifications to this version, where it is there and ours. */
export async function upgradeSpecificationKind(
  context: CliContext,
  client: KubeClient,
  namespace: string,
): Promise<void> {
  const bare = { release: managerName, namespace, version };
  const options = {
    context: bare,
    how: 'upgrade',
    onStep: () => {},
    signal: context.signal,
  } as const;
  try {
    await writeSpecificationKind(depsOf(context, client), options);
  } catch (error) {
    // Who may upgrade a manager may have nothing to do with the cluster's kinds.
    if (!isKubeError(error, 'Forbidden')) throw error;
  }
}

function depsOf(context: CliContext, client: KubeClient): ApplyDeps {
  return {
    client,
    clock: context.clock,
    random: Math.random,
    finder: createResourceFinder(client),
  };
}

async function waitUntilReady(
  context: CliContext,
  deps: ApplyDeps,
  options: { readonly namespace: string; readonly values: Values; readonly retried: boolean },
): Promise<void> {
  const { namespace, values, retried } = options;
  if (values.replicaCount === 0) return;
  const { signal } = context;
  const { config } = await readClientConfig(context.places.config);
  const deadlineMs = config.timeouts.helm ?? readyMs;
  const waiting = { namespace, name: managerName, deadlineMs, signal };
  const say = (words: string): void => context.warn(`traffic-manager: ${words}`);
  // What a quota refused is tried again only after a while, unless something changes.
  if (retried) await nudgeDeployment(deps, waiting);
  await waitForDeployment(deps, { ...waiting, onProgress: say });
  await waitForService(deps, { ...waiting, onProgress: say });
}

async function refuseOldCluster(client: KubeClient, signal: AbortSignal): Promise<void> {
  const { gitVersion, major, minor } = await serverVersion(client, signal);
  if (major > 1 || minor >= oldestMinor) return;
  throw new CliError(
    'Failed',
    `this cluster is Kubernetes ${gitVersion}; 1.30 or later is needed`,
    {
      hint: 'choose another cluster with --context',
    },
  );
}

/** A Role in a namespace that is not there would be refused in the middle of it. */
async function needNamespaces(
  client: KubeClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const resource = resources.namespaces;
  for (const name of names) {
    if ((await client.find({ resource, name, schema: kubeObjectSchema, signal })) === undefined) {
      throw new CliError(
        'Failed',
        `namespace ${name}, which the manager is to serve, does not exist`,
        {
          hint: `make it first: kubectl create namespace ${name}`,
        },
      );
    }
  }
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
  // As Helm makes it: not a part of the release, so that nothing of the user's goes with it.
  const labels = { name: namespace };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
  return (await client.create({ ...address, object, fieldManager })).metadata.uid;
}
