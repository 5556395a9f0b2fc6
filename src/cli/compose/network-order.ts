import type { Attachment } from '#compose/attachments.ts';
import type { DockerCommand } from '#docker/command.ts';
import { networkName } from '#docker/ours.ts';
import { CliError } from '../errors.ts';

/** Of the API that knows the order, 1.48. */
const orderingMinor = 48;

/** Whether Docker, command and engine, can be told which network of a container is the first. */
export async function canOrderNetworks(
  docker: DockerCommand,
  signal: AbortSignal,
): Promise<boolean> {
  const options = { signal, mayFail: true };
  const [help, version] = await Promise.all([
    docker.run(['network', 'connect', '--help'], options),
    docker.run(['version', '--format', '{{.Server.APIVersion}}'], options),
  ]);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version.stdout.trim()) ?? [];
  const isKnown = Number(major) > 1 || Number(minor) >= orderingMinor;
  return isKnown && help.stdout.includes('--gw-priority');
}

/** A network that others made cannot be called otherwise; joining it would cut the connection. */
export async function refuseEarlierNetworks(
  docker: DockerCommand,
  attachments: readonly Attachment[],
  signal: AbortSignal,
): Promise<void> {
  for (const { network } of attachments) {
    if (network >= networkName) continue;
    const asked = ['network', 'inspect', '--format', '{{.Internal}}', network];
    const { stdout } = await docker.run(asked, { signal, mayFail: true });
    // By one without a way out nothing is led.
    if (stdout.trim() === 'true') continue;
    throw new CliError(
      'Failed',
      `the network ${network} cannot be joined: this version of Docker would lead the connection's own port by it, and cut it`,
      {
        hint: `have the handler leave it; or use a network whose name comes after "${networkName}"; or Docker 28`,
      },
    );
  }
}
