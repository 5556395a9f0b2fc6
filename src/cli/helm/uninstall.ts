import * as v from 'valibot';
import { managerName } from '#install/manifest.ts';
import { removeManifests } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { forgetReleases } from '#kube/helm-history.ts';
import type { HelmRelease } from '#kube/helm-release.ts';
import { parseManifests } from '#kube/manifest.ts';
import { objectMetaSchema, kubeObjectSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources, type Resource } from '#kube/resource.ts';
import { agentRequestAnnotation, fieldManager, group, version } from '#protocol/resources.ts';
import type { CliContext } from '../context.ts';

/**
 * Takes everything back in the order in which nothing is left hanging: intercepts, agents, then
 * what the release wrote. CRDs and the namespace stay: others may use them.
 */
export async function removeRelease(
  context: CliContext,
  client: KubeClient,
  release: HelmRelease,
): Promise<void> {
  const { signal } = context;
  await removeOwnObjects(client, signal);
  await removeAgents(client, signal);
  const deps = { client, finder: createResourceFinder(client) };
  await removeManifests(deps, { manifests: parseManifests(release.manifest), signal });
  await forgetReleases(client, { namespace: release.namespace, name: managerName, signal });
}

/** Intercepts before the Connections that they belong to. */
async function removeOwnObjects(client: KubeClient, signal: AbortSignal): Promise<void> {
  for (const [plural, kind] of [
    ['intercepts', 'Intercept'],
    ['connections', 'Connection'],
  ] as const) {
    const resource: Resource = { group, version, plural, kind, namespaced: true };
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
  metadata: objectMetaSchema,
  spec: v.looseObject({
    template: v.looseObject({
      metadata: v.optional(
        v.looseObject({ annotations: v.optional(v.record(v.string(), v.string()), {}) }),
        {},
      ),
    }),
  }),
});

/** Takes the request for an agent out of every pod template: the workload rolls its pods. */
async function removeAgents(client: KubeClient, signal: AbortSignal): Promise<void> {
  for (const resource of [resources.deployments, resources.statefulSets]) {
    const { items } = await client.list({ resource, schema: templateSchema, signal });
    const asked = items.filter(
      ({ spec }) => spec.template.metadata.annotations[agentRequestAnnotation] !== undefined,
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
