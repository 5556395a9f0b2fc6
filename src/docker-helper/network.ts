import type { NetworkInterfaceInfo } from 'node:os';
import type { DockerCommand } from '#docker/command.ts';
import { laptopLabel, networkName } from '#docker/ours.ts';
import { overlaps } from '#host/subnets.ts';
import { parseSubnet } from '#protocol/ip-address.ts';

interface Deps {
  readonly docker: DockerCommand;
  readonly interfaces: () => Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
}

/**
 * Where clusters and offices seldom are. Docker itself would take the next 172.x.0.0/16, which is where
 * some clouds have their Services.
 */
const candidates = [
  '192.168.231.0/24',
  '192.168.227.0/24',
  '10.231.77.0/24',
  '172.29.231.0/24',
] as const;

/** Makes the network unless it is there. */
export async function ensureNetwork(
  deps: Deps,
  options: { readonly laptop: string; readonly signal: AbortSignal },
): Promise<void> {
  const { docker } = deps;
  const { laptop, signal } = options;
  const isThere = async (): Promise<boolean> => {
    const asked = ['network', 'inspect', '--format', '{{.Id}}', networkName];
    return (await docker.run(asked, { signal, mayFail: true })).status === 0;
  };
  if (await isThere()) return;
  const create = ['network', 'create', '--label', `${laptopLabel}=${laptop}`];
  for (const subnet of freeSubnets(deps.interfaces())) {
    const args = [...create, '--subnet', subnet, networkName];
    const made = await docker.run(args, { signal, mayFail: true });
    // Somebody may have made it meanwhile.
    if (made.status === 0 || (await isThere())) return;
    if (!/overlaps/.test(made.stderr)) break;
  }
  await docker.run([...create, networkName], { signal });
}

/** Those of the candidates that overlap with no network that this laptop is in. */
export function freeSubnets(interfaces: ReturnType<Deps['interfaces']>): readonly string[] {
  const taken = Object.values(interfaces).flatMap((all) =>
    (all ?? []).flatMap(({ cidr }) => parseSubnet(cidr ?? '') ?? []),
  );
  return candidates.filter((text) => {
    const subnet = parseSubnet(text);
    return subnet !== undefined && !taken.some((one) => overlaps(one, subnet));
  });
}
