import type { DockerCommand } from '#docker/command.ts';
import { portsLabel } from '#docker/ours.ts';
import { removeHandler } from '../handler/remove-handler.ts';
import type { HandlerContext } from '../specification/handlers/handler-kind.ts';
import { takeBack } from './take-back.ts';

const endMs = 60_000;
const ending = (): {
  readonly signal: AbortSignal;
  readonly mayFail: true;
  readonly detached: true;
} => ({
  signal: AbortSignal.timeout(endMs),
  mayFail: true,
  detached: true,
});

type Context = Pick<HandlerContext, 'output' | 'traces'>;

/**
 * Removes what was made by then, by the run's label and not by `down`: what its user has started under
 * the project's name meanwhile is his, and so are his volumes. Those without a name go with their
 * containers.
 */
export async function removeProject(
  context: Context,
  docker: DockerCommand,
  project: string,
): Promise<void> {
  const of = { id: context.traces.id, project };
  await takeBack(context, `something of ${project}`, async () => {
    return (await removeHandler({ docker }, of, AbortSignal.timeout(endMs))).isAll;
  });
}

/** Removes volumes of pods, once no container has them. */
export async function removeVolumes(
  context: Context,
  docker: DockerCommand,
  volumes: readonly string[],
): Promise<void> {
  if (volumes.length === 0) return;
  await takeBack(context, `the volumes ${volumes.join(', ')}`, async () => {
    return (await docker.run(['volume', 'rm', '--force', ...volumes], ending())).status === 0;
  });
}

/** Removes the container that publishes ports, by its label: somebody else's of that name stays. */
export async function removePorts(
  context: Context,
  docker: DockerCommand,
  name: string,
): Promise<void> {
  await takeBack(context, `the container ${name}`, async () => {
    const filters = [
      `--filter=label=${portsLabel}=${context.traces.id}`,
      `--filter=name=^/?${name}$`,
    ];
    const listed = await docker.run(['ps', '--all', '--quiet', ...filters], ending());
    const found = listed.stdout.split('\n').filter(Boolean);
    if (found.length === 0) return listed.status === 0;
    return (await docker.run(['rm', '--force', '--volumes', ...found], ending())).status === 0;
  });
}
