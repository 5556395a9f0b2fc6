import * as v from 'valibot';
import { version } from '#base/version.ts';
import { clusterPart } from '#install/cluster-part.ts';
import { managerName } from '#install/manifest.ts';
import { removeManifests } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { forgetReleases } from '#kube/helm-history.ts';
import { listReleases, type HelmRelease } from '#kube/helm-release.ts';
import { parseManifests, type Manifest } from '#kube/manifest.ts';
import { objectMetaSchema, kubeObjectSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { waitUntilGone, type WaitDeps } from '#kube/wait-ready.ts';
import {
  agentRequestAnnotation,
  fieldManager,
  group,
  version as apiVersion,
} from '#protocol/resources.ts';
import type { CliContext } from '../context.ts';

const crdMs = 30_000;

/**
 * Takes everything back in the order in which nothing is left hanging: intercepts, agents, then
 * what the release wrote, and the CRDs last. While another manager is in the cluster, all that both
 * of them use stays. The namespace always does: it may hold what is not ours.
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
  if (await isLast(client, release, signal)) {
    await removeOwnObjects(client, signal);
    await removeAgents(client, signal);
    await removeManifests(deps, { manifests: written, signal });
    await removeCrds(deps, written, signal);
  } else {
    const shared = new Set(clusterPart({ release: managerName, namespace, version }).map(keyOf));
    const own = written.filter((manifest) => !shared.has(keyOf(manifest)));
    await removeManifests(deps, { manifests: own, signal });
  }
  await forgetReleases(client, { namespace, name: managerName, signal });
}

function keyOf({ kind, metadata }: Pick<Manifest, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.name}`;
}

/** Whether no other manager of ours is left in the cluster. */
async function isLast(
  client: KubeClient,
  release: HelmRelease,
  signal: AbortSignal,
): Promise<boolean> {
  const all = await listReleases(client, { name: managerName, signal });
  return !all.some(
    ({ namespace, chart, info }) =>
      namespace !== release.namespace &&
      chart.metadata.name === release.chart.metadata.name &&
      info.status !== 'uninstalled',
  );
}

/** Waits for their end, so that who installs again at once does not meet them. */
async function removeCrds(
  deps: WaitDeps,
  written: readonly Manifest[],
  signal: AbortSignal,
): Promise<void> {
  const resource = resources.customResourceDefinitions;
  const crds = written.filter(({ kind }) => kind === resource.kind);
  await Promise.all(
    crds.map(async ({ metadata: { name } }) => {
      await deps.client.delete({ resource, name, signal });
      await waitUntilGone(deps, { resource, name, deadlineMs: crdMs, signal });
    }),
  );
}

/** Intercepts before the Connections that they belong to. */
async function removeOwnObjects(client: KubeClient, signal: AbortSignal): Promise<void> {
  for (const [plural, kind] of [
    ['intercepts', 'Intercept'],
    ['connections', 'Connection'],
  ] as const) {
    const resource: Resource = { group, version: apiVersion, plural, kind, namespaced: true };
    try {
      const { items } = await client.list({ resource, schema: kubeObjectSchema, signal });
      await Promise.all(
        items.map(async ({ metadata: { name, namespace } }) => {
          await client.delete({ resource, namespace, name, signal });
        }),
      );
    } catch (error) {
      // The kinds may be gone, and others' objects may not be ours to see.
      if (!isKubeError(error, 'NotFound')) throw error;
    }
  }
}

const templateSchema = v.looseObject({
  metadata: v.looseObject({
    ...objectMetaSchema.entries,
    ownerReferences: v.optional(v.array(v.looseObject({ kind: v.string() })), []),
  }),
  spec: v.looseObject({
    template: v.looseObject({
      metadata: v.optional(
        v.looseObject({ annotations: v.optional(v.record(v.string(), v.string()), {}) }),
        {},
      ),
    }),
  }),
});

/**
 * Takes the request for an agent out of every pod template: Deployments and StatefulSets roll their
 * pods; those of a ReplicaSet keep an agent that passes everything to the app.
 */
async function removeAgents(client: KubeClient, signal: AbortSignal): Promise<void> {
  const kinds = [resources.deployments, resources.statefulSets, resources.replicaSets];
  for (const resource of kinds) {
    const { items } = await client.list({ resource, schema: templateSchema, signal });
    const asked = items.filter(
      ({ metadata, spec }) =>
        // What a Deployment has made is its own.
        metadata.ownerReferences.every(({ kind }) => kind !== resources.deployments.kind) &&
        spec.template.metadata.annotations[agentRequestAnnotation] !== undefined,
    );
    for (const { metadata } of asked) {
      await client.patch({
        resource,
        name: metadata.name,
        namespace: metadata.namespace,
        schema: kubeObjectSchema,
        type: 'merge',
        patch: {
          spec: { template: { metadata: { annotations: { [agentRequestAnnotation]: null } } } },
        },
        fieldManager,
        signal,
      });
    }
  }
}
