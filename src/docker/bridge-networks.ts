import * as v from 'valibot';
import type { DockerCommand } from './command.ts';
import { endpointOf, isLocal } from './engine-facts.ts';
import { DockerError } from './errors.ts';
import { laptopLabel } from './ours.ts';

/** A network of an engine on this machine, which is a bridge of it. */
export interface BridgeNetwork {
  readonly name: string;
  /** What the kernel calls the bridge. */
  readonly device: string;
  /** What is there is not for users' containers: a local cluster, our own connections, a network without a way out. */
  readonly isApart: boolean;
}

const texts = v.nullish(v.record(v.string(), v.string()), {});
const networksShape = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      Name: v.string(),
      Id: v.string(),
      Driver: v.optional(v.string(), ''),
      Internal: v.optional(v.boolean(), false),
      Labels: texts,
      Options: texts,
    }),
  ),
);

/** The networks of the user's engine that are bridges here; none where it is another machine's. */
export async function readBridgeNetworks(
  { docker }: { readonly docker: DockerCommand },
  signal: AbortSignal,
): Promise<BridgeNetwork[]> {
  const inspectContext = ['context', 'inspect', '--format', '{{json .Endpoints.docker.Host}}'];
  const [context, listed] = await Promise.all([
    docker.run(inspectContext, { signal, mayFail: true }),
    docker.run(['network', 'ls', '--quiet', '--no-trunc', '--filter', 'driver=bridge'], { signal }),
  ]);
  const endpoint = endpointOf(context.stdout);
  if (endpoint !== undefined && !isLocal(endpoint)) return [];
  const ids = listed.stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  // One that has gone meanwhile makes it fail; the others are printed.
  const { stdout } = await docker.run(['network', 'inspect', ...ids], { signal, mayFail: true });
  return parseBridgeNetworks(stdout);
}

/** Reads what `docker network inspect` printed. */
export function parseBridgeNetworks(json: string): BridgeNetwork[] {
  const parsed = v.safeParse(networksShape, json);
  if (!parsed.success) {
    throw new DockerError('BadAnswer', 'docker network inspect said nothing that is understood', {
      cause: new v.ValiError(parsed.issues),
    });
  }
  return parsed.output
    .filter(({ Driver: driver }) => driver === 'bridge')
    .map((network) => ({
      name: network.Name,
      device: network.Options['com.docker.network.bridge.name'] || `br-${network.Id.slice(0, 12)}`,
      isApart: network.Internal || ofLocalCluster(network) || laptopLabel in network.Labels,
    }));
}

/** Tools that run a cluster's nodes as containers, by what they call or label their networks. */
function ofLocalCluster({
  Name: name,
  Labels: labels,
}: v.InferOutput<typeof networksShape>[number]): boolean {
  return (
    name === 'kind' ||
    name === 'minikube' ||
    name.startsWith('k3d-') ||
    labels['app'] === 'k3d' ||
    Object.keys(labels).some((label) => clusterLabel.test(label))
  );
}

const clusterLabel = /^(?:io\.x-k8s\.kind|created_by\.minikube|name\.minikube|talos\.)/;
