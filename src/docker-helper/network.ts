import * as v from 'valibot';
import type { DockerCommand } from '#docker/command.ts';
import { DockerError } from '#docker/errors.ts';
import { laptopLabel, networkName } from '#docker/ours.ts';
import { formatSubnet, overlaps } from '#host/subnets.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type { Subnet } from '#protocol/ip-address.ts';
import { freeSubnets } from './free-subnets.ts';

interface Deps {
  readonly docker: DockerCommand;
  /** What the laptop reaches, without what it does by a device of that name. */
  readonly laptopSubnets: (leftOut: string, signal: AbortSignal) => Promise<readonly Subnet[]>;
}

interface Options {
  readonly laptop: string;
  /** The cluster's subnets, as far as they are known. */
  readonly avoid: readonly string[];
  readonly signal: AbortSignal;
}

/** Makes the network unless it is there, and anew where it has addresses of the cluster or of the laptop. */
export async function ensureNetwork(deps: Deps, options: Options): Promise<void> {
  const { docker } = deps;
  const { laptop, signal } = options;
  const there = await readNetwork(deps, signal);
  // Its own bridge is one of the laptop's networks, and none that it could be in the way of.
  const cluster = subnets(...options.avoid);
  const laptops = await deps.laptopSubnets(bridgeOf(there), signal);
  if (there !== undefined && !(await isToGo(deps, there, { cluster, laptops, signal }))) return;
  const create = ['network', 'create', '--label', `${laptopLabel}=${laptop}`];
  for (const subnet of freeSubnets([...cluster, ...laptops])) {
    const args = [...create, '--subnet', subnet, networkName];
    const made = await docker.run(args, { signal, mayFail: true });
    // Somebody may have made it meanwhile.
    if (made.status === 0 || (await readNetwork(deps, signal)) !== undefined) return;
    if (!/overlap/.test(made.stderr)) break;
  }
  await docker.run([...create, networkName], { signal });
}

const shape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    Id: v.string(),
    Labels: v.nullish(v.record(v.string(), v.string())),
    IPAM: v.object({
      Config: v.nullish(v.array(v.object({ Subnet: v.optional(v.string(), '') }))),
    }),
    Containers: v.nullish(v.record(v.string(), v.object({ Name: v.string() }))),
  }),
);
type Network = v.InferOutput<typeof shape>;

async function readNetwork({ docker }: Deps, signal: AbortSignal): Promise<Network | undefined> {
  const asked = ['network', 'inspect', '--format', '{{json .}}', networkName];
  const { status, stdout } = await docker.run(asked, { signal, mayFail: true });
  if (status !== 0) return undefined;
  const parsed = v.safeParse(shape, stdout);
  if (parsed.success) return parsed.output;
  throw new DockerError('BadAnswer', `docker network inspect ${networkName} is not understood`, {
    cause: new Error(stdout.slice(0, 500)),
  });
}

const bridgeOf = (network: Network | undefined): string => `br-${network?.Id.slice(0, 12) ?? ''}`;

/** Removes it where it is in the way and nobody uses it; refuses, by name, where somebody does. */
async function isToGo(
  { docker }: Deps,
  network: Network,
  options: {
    readonly cluster: readonly Subnet[];
    readonly laptops: readonly Subnet[];
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const own = subnets(...(network.IPAM.Config ?? []).map(({ Subnet: text }) => text));
  const among = (taken: readonly Subnet[]): string | undefined => {
    const its = taken.find((one) => own.some((mine) => overlaps(one, mine)));
    return its && formatSubnet(its);
  };
  const users = Object.values(network.Containers ?? {}).map(({ Name: name }) => name);
  const clusters = among(options.cluster);
  // Those who are in it get along with the laptop's.
  const met = clusters ?? (users.length === 0 ? among(options.laptops) : undefined);
  if (met === undefined) return false;
  const whose = clusters === undefined ? "this machine's" : "the cluster's";
  const clash = `Docker's network ${networkName} (${own.map(formatSubnet).join(', ')}) overlaps with ${whose} ${met}`;
  if (users.length > 0) {
    throw new DockerError(
      'NetworkInUse',
      `${clash}, and is used by ${users.toSorted().join(', ')}`,
      {
        hint: 'end the connections that use it: telepresence quit; then connect again',
      },
    );
  }
  if (network.Labels?.[laptopLabel] === undefined) {
    throw new DockerError('NetworkInUse', `${clash}, and was not made by telepresence`, {
      hint: `remove it, and it is made anew: docker network rm ${networkName}`,
    });
  }
  await docker.run(['network', 'rm', network.Id], { signal: options.signal });
  return true;
}
