import type { DockerCommand } from '#docker/command.ts';
import { commandFailure } from '#docker/command-failure.ts';
import { handlerLabel, laptopLabel, networkName, portsLabel } from '#docker/ours.ts';
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
    /** Of the run. */
    readonly id: string;
    readonly published: readonly string[];
    readonly place: ContainerPlace;
    readonly labels: readonly string[];
    readonly laptop: string;
    /** Of the container whose ports they are. */
    readonly name: string;
    /** How the user has said them; else by `-p`. */
    readonly said?: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { id, published, place, labels, name, said = '-p', signal } = options;
  const ports = [...new Set(published.flatMap(containerPorts))];
  if (ports.length === 0) return;
  await removeLeftPorts({ docker }, options);
  const { stdout } = await docker.run(['inspect', '--format', '{{.Config.Image}}', place.network], {
    signal,
  });
  const args = [
    'run',
    '--detach',
    `--name=${name}-ports`,
    ...[...labels, `${portsLabel}=${id}`].map((label) => `--label=${label}`),
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
  throw inUse(stderr, said) ?? commandFailure({ path: docker.path, args, status, said: stderr });
}

/** Takes them back where their container has not come to be; nobody else does, for one in the background. */
export async function unpublishPorts(
  { docker }: { readonly docker: DockerCommand },
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<void> {
  const options = { signal, detached: true };
  const asked = ['ps', '--all', '--quiet', '--no-trunc', `--filter=label=${portsLabel}=${id}`];
  const found = (await docker.run(asked, options)).stdout.split('\n').filter(Boolean);
  if (found.length > 0) await docker.run(['rm', '--force', '--volumes', ...found], options);
}

/** What publishes for a container of that name which is gone would have the new one's name and ports. */
async function removeLeftPorts(
  { docker }: { readonly docker: DockerCommand },
  of: { readonly name: string; readonly laptop: string; readonly signal: AbortSignal },
): Promise<void> {
  const { name, laptop, signal } = of;
  const labels = [laptopLabel, handlerLabel, portsLabel].map((label) => `{{.Label "${label}"}}`);
  const format = ['{{.Names}}', '{{.State}}', ...labels].join('\t');
  const asked = ['ps', '--all', `--filter=name=${name}`, '--format', format];
  const { stdout } = await docker.run(asked, { signal });
  const found = stdout.split('\n').map((line) => {
    const [names = '', state = '', owner = '', handler = '', ports = ''] = line.split('\t');
    // That of a run in the foreground may be there before its container; it goes with its command.
    const isLeft = handler === '' || (state !== 'running' && state !== 'paused');
    return { names: names.split(','), isLeft: isLeft && owner === laptop && ports !== '' };
  });
  if (found.some(({ names }) => names.includes(name))) return;
  const left = found.find(({ names }) => names.includes(`${name}-ports`));
  if (left?.isLeft !== true) return;
  await docker.run(['rm', '--force', '--volumes', `${name}-ports`], { signal });
}

/** In the words of several versions of Docker. */
function inUse(complaint: string, said: string): CliError | undefined {
  if (
    !/port is already allocated|address already in use|ports are not available/i.test(complaint)
  ) {
    return undefined;
  }
  const where = /(?:Bind for|listen (?:tcp|udp)[46]?|exposing port (?:TCP|UDP)) (\S+?):? /.exec(
    complaint,
  );
  const names = said === '-p' ? 'names' : 'name';
  const shown =
    where?.[1] === undefined
      ? `a port that ${said} ${names}`
      : `${where[1]}, which ${said} ${names},`;
  return new CliError('Failed', `${shown} is in use on this machine`, {
    hint: `publish another one${said === '-p' ? ': -p OTHER:PORT' : ''}; docker ps shows what containers have`,
  });
}
