import type { DockerCommand } from '#docker/command.ts';
import { commandFailure } from '#docker/command-failure.ts';
import { networkName } from '#docker/ours.ts';
import { CliError } from '../errors.ts';
import type { ContainerPlace } from './place.ts';
import { containerPorts } from './published-port.ts';

/**
 * Starts a container of our image that publishes ports for one that has no network of its own: what a
 * network publishes is settled when it is made. It is removed with all that has the labels.
 */
export async function publishPorts(
  { docker }: { readonly docker: DockerCommand },
  options: {
    readonly published: readonly string[];
    readonly place: ContainerPlace;
    readonly labels: readonly string[];
    /** Of the container whose ports they are. */
    readonly name: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { published, place, labels, name, signal } = options;
  const ports = [...new Set(published.flatMap(containerPorts))];
  if (ports.length === 0) return;
  const { stdout } = await docker.run(['inspect', '--format', '{{.Config.Image}}', place.network], {
    signal,
  });
  const args = [
    'run',
    '--detach',
    `--name=${name}-ports`,
    ...labels.map((label) => `--label=${label}`),
    `--network=${networkName}`,
    ...published.map((port) => `--publish=${port}`),
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--user=65534:65534',
    '--entrypoint=port-relay',
    stdout.trim(),
    place.network,
    ...ports,
  ];
  const { status, stderr } = await docker.run(args, { signal, mayFail: true });
  if (status === 0) return;
  throw inUse(stderr) ?? commandFailure({ path: docker.path, args, status, said: stderr });
}

/** In the words of several versions of Docker. */
function inUse(said: string): CliError | undefined {
  if (!/port is already allocated|address already in use|ports are not available/i.test(said)) {
    return undefined;
  }
  const where = /(?:Bind for|listen (?:tcp|udp)[46]?|exposing port (?:TCP|UDP)) (\S+?):? /.exec(
    said,
  );
  const shown = where?.[1] === undefined ? 'a port that -p names' : `${where[1]}, which -p names,`;
  return new CliError('Failed', `${shown} is in use on this machine`, {
    hint: 'publish another one: -p OTHER:PORT; docker ps shows what containers have',
  });
}
