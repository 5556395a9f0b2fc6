import * as v from 'valibot';
import { managerConfig, managerConfigVariable } from '#install/manager-config.ts';
import { managerName } from '#install/manifest.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { parseJson } from '#kube/status.ts';
import { resources } from '#kube/resource.ts';
import { CliError } from '../errors.ts';

/** A traffic-manager that is in the cluster. */
export interface Manager {
  readonly namespace: string;
  /** Of the same making as this program; else a peer's, which takes our annotations for its own. */
  readonly ours: boolean;
  readonly image: string;
  /** The namespaces that it serves; undefined: all. */
  readonly claimed: readonly string[] | undefined;
}

const deploymentSchema = v.object({
  metadata: v.object({ name: v.string(), namespace: v.string() }),
  spec: v.object({
    template: v.object({
      spec: v.object({
        containers: v.array(
          v.object({
            image: v.optional(v.string(), ''),
            env: v.optional(
              v.array(v.object({ name: v.string(), value: v.optional(v.string(), '') })),
              [],
            ),
          }),
        ),
      }),
    }),
  }),
});

/** The traffic-managers of the cluster, as far as the user may see them. */
export async function findManagers(
  client: KubeClient,
  options: { readonly namespace: string; readonly signal: AbortSignal },
): Promise<readonly Manager[]> {
  const { namespace, signal } = options;
  const query = {
    resource: resources.deployments,
    fieldSelector: `metadata.name=${managerName}`,
    schema: deploymentSchema,
    signal,
  };
  try {
    return (await client.list(query)).items.map(managerOf);
  } catch (error) {
    if (!isKubeError(error, 'Forbidden')) throw error;
    return (await client.list({ ...query, namespace })).items.map(managerOf);
  }
}

const namespacesOfOurs = v.pipe(
  v.string(),
  v.transform((text): unknown => parseJson(text.replaceAll('$$', () => '$'))),
  v.object({ namespaces: v.optional(managerConfig.entries.namespaces, null) }),
);

function managerOf({ metadata, spec }: v.InferOutput<typeof deploymentSchema>): Manager {
  const { containers } = spec.template.spec;
  const variable = (name: string): string | undefined =>
    containers.flatMap(({ env }) => env).find((one) => one.name === name)?.value;
  const config = variable(managerConfigVariable);
  const { namespace } = metadata;
  const image = containers[0]?.image ?? '';
  if (config !== undefined) {
    const parsed = v.safeParse(namespacesOfOurs, config);
    const claimed = parsed.success ? (parsed.output.namespaces ?? undefined) : undefined;
    return { namespace, ours: true, image, claimed };
  }
  // The peer's name for what its `managerRbac.namespaces` says.
  const managed = variable('MANAGED_NAMESPACES')
    ?.split(/\s+/)
    .filter((name) => name !== '');
  const claimed = managed === undefined || managed.length === 0 ? undefined : managed;
  return { namespace, ours: false, image, claimed };
}

/** Refuses an install whose namespaces another manager serves, and one beside a peer's own objects. */
export function refuseOverlap(
  managers: readonly Manager[],
  wanted: { readonly namespace: string; readonly claimed: readonly string[] | undefined },
): void {
  const here = managers.find(({ namespace }) => namespace === wanted.namespace);
  if (here?.ours === false) {
    throw new CliError(
      'Failed',
      `namespace ${here.namespace} holds another product's traffic-manager (image ${here.image})`,
      { hint: `uninstall it first: helm uninstall ${managerName} -n ${here.namespace}` },
    );
  }
  for (const { namespace, ours, image, claimed } of managers) {
    if (namespace === wanted.namespace) continue;
    const shared = overlap(claimed, wanted.claimed);
    if (shared === undefined) continue;
    const whose = ours
      ? `the traffic-manager in namespace ${namespace}`
      : `another product's traffic-manager in namespace ${namespace} (image ${image})`;
    const uninstall = ours
      ? `telepresence helm uninstall -n ${namespace}`
      : `helm uninstall ${managerName} -n ${namespace}`;
    throw new CliError('Failed', `${whose} serves ${shared} already`, {
      hint:
        claimed === undefined
          ? `uninstall it first: ${uninstall}; or use it: telepresence connect --manager-namespace ${namespace}`
          : `give this one other namespaces: --set 'namespaces={ONE,OTHER}'; or uninstall that one: ${uninstall}`,
    });
  }
}

/** What both serve, in words. */
function overlap(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): string | undefined {
  if (a === undefined) return 'all namespaces';
  const common = b === undefined ? a : a.filter((name) => b.includes(name));
  if (common.length === 0) return undefined;
  return `${common.length === 1 ? 'namespace' : 'namespaces'} ${common.join(', ')}`;
}
