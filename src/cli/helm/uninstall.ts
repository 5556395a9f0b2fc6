import { version } from '#base/version.ts';
import { clusterPart } from '#install/cluster-part.ts';
import { identitySecret } from '#install/manager-rights.ts';
import { managerName } from '#install/manifest.ts';
import { claimedNamespaces, parseValues } from '#install/values.ts';
import { removeManifests } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { forgetReleases } from '#kube/helm-history.ts';
import { listReleases, type HelmRelease } from '#kube/helm-release.ts';
import { manifestKey, parseManifests, type Manifest } from '#kube/manifest.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { waitUntilGone, type WaitDeps } from '#kube/wait-ready.ts';
import { group, version as apiVersion } from '#protocol/resources.ts';
import type { CliContext } from '../context.ts';
import { findManagers } from './other-managers.ts';
import { listIn, removeAgents } from './remove-agents.ts';

const crdMs = 30_000;

/**
 * Takes everything back in the order in which nothing is left hanging: intercepts, the webhook,
 * agents, then what the release wrote, and the CRDs last. The webhook goes before the agents, so
 * that each pod is made anew but once. While another manager is in the cluster, all that both of
 * them use stays. The namespace always does: it may hold what is not ours.
 */
export async function removeRelease(
  context: CliContext,
  client: KubeClient,
  release: HelmRelease,
): Promise<void> {
  const { signal } = context;
  const { namespace } = release;
  const written = parseManifests(release.manifest);
  const finder = createResourceFinder(client);
  const deps = { client, finder, clock: context.clock, random: Math.random };
  const shared = clusterPart({ release: managerName, namespace, version });
  const sharedKeys = new Set(shared.map(manifestKey));
  const own = written.filter((manifest) => !sharedKeys.has(manifestKey(manifest)));
  const hooks = own.filter(({ kind }) => kind === resources.mutatingWebhookConfigurations.kind);
  const last = await isLast(client, release, signal);
  const scope = {
    namespaces: servedBy(release),
    warn: (line: string) => context.warn(line),
    signal,
  };

  await removeOwnObjects(client, scope);
  await removeManifests(deps, { manifests: hooks, signal });
  await removeAgents(deps, scope);
  await removeManifests(deps, { manifests: own, signal });
  if (last) await removeShared(deps, shared, signal);
  else context.warn('another traffic-manager is in the cluster: what both use is left to it');
  await removeMade(client, namespace, signal);
  await forgetReleases(client, { namespace, name: release.name, signal });
  context.warn(
    `namespace ${namespace} is left, for it may hold what is not ours: kubectl delete namespace ${namespace}`,
  );
}

/** The namespaces of a namespaced manager; undefined: all. */
function servedBy({ config }: HelmRelease): readonly string[] | undefined {
  const parsed = parseValues(config ?? {});
  return parsed.ok ? claimedNamespaces(parsed.values) : undefined;
}

/** Whether no other manager of ours is left in the cluster, running or not. */
async function isLast(
  client: KubeClient,
  release: HelmRelease,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace } = release;
  const managers = await findManagers(client, { namespace, signal });
  if (managers.some((one) => one.ours && one.namespace !== namespace)) return false;
  try {
    const all = await listReleases(client, { name: managerName, signal });
    return !all.some(
      (one) =>
        one.namespace !== namespace &&
        one.chart.metadata.name === release.chart.metadata.name &&
        one.info.status !== 'uninstalled',
    );
  } catch (error) {
    // Who cannot see whether there is another one must not take away what it needs.
    if (isKubeError(error, 'Forbidden')) return false;
    throw error;
  }
}

/** The cluster part; waits for the CRDs' end, so that who installs again at once does not meet them. */
async function removeShared(
  deps: WaitDeps & Parameters<typeof removeManifests>[0],
  shared: readonly Manifest[],
  signal: AbortSignal,
): Promise<void> {
  const resource = resources.customResourceDefinitions;
  const bare = shared.filter(({ kind }) => kind !== resource.kind);
  // Their mark keeps them through upgrades and `helm uninstall`; this is the end of the last manager.
  await removeManifests(deps, { manifests: bare, keptToo: true, signal });
  const crds = shared.filter(({ kind }) => kind === resource.kind);
  await Promise.all(
    crds.map(async ({ metadata: { name } }) => {
      await deps.client.delete({ resource, name, signal });
      await waitUntilGone(deps, { resource, name, deadlineMs: crdMs, signal });
    }),
  );
}

/** What the manager itself made in its namespace. */
async function removeMade(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  await client.delete({ resource: resources.secrets, namespace, name: identitySecret, signal });
  const { items } = await client.list({
    resource: resources.leases,
    namespace,
    schema: kubeObjectSchema,
    signal,
  });
  for (const { metadata } of items) {
    if (!metadata.name.startsWith(managerName)) continue;
    await client.delete({ resource: resources.leases, namespace, name: metadata.name, signal });
  }
}

/** Intercepts before the Connections that they belong to. */
async function removeOwnObjects(
  client: KubeClient,
  scope: { readonly namespaces: readonly string[] | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = scope;
  for (const [plural, kind] of [
    ['intercepts', 'Intercept'],
    ['connections', 'Connection'],
  ] as const) {
    const resource: Resource = { group, version: apiVersion, plural, kind, namespaced: true };
    try {
      const items = await listIn(client, { resource, schema: kubeObjectSchema }, scope);
      await Promise.all(
        items.map(async ({ metadata: { name, namespace } }) => {
          await client.delete({ resource, namespace, name, signal });
        }),
      );
    } catch (error) {
      // The kinds may be gone.
      if (!isKubeError(error, 'NotFound')) throw error;
    }
  }
}
