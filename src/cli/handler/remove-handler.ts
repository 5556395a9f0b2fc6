import { rm } from 'node:fs/promises';
import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel, removeNetworks } from '#docker/ours.ts';

/** What one run of a handler has made. */
export interface HandlerTraces {
  /** The value of the label that all of it in Docker has. */
  readonly id: string;
  /** Of the laptop's files. */
  readonly directory: string;
}

/** What a look has found and removed. */
export interface RemovedHandler {
  /** How much there was; what somebody else holds is not counted, for it stays. */
  readonly came: number;
  /** Nothing of it is left, as far as Docker says. */
  readonly isAll: boolean;
}

/**
 * Removes whatever one run has made, or what it has made of one Compose project; its files where they are
 * named. Ctrl-C in the terminal does not reach it.
 */
export async function removeHandler(
  { docker }: { readonly docker: DockerCommand },
  of: Pick<HandlerTraces, 'id'> & { readonly directory?: string; readonly project?: string },
  signal: AbortSignal,
): Promise<RemovedHandler> {
  const { id, directory, project } = of;
  const labels = [
    `${handlerLabel}=${id}`,
    ...(project === undefined ? [] : [`com.docker.compose.project=${project}`]),
  ];
  const filters = labels.map((label) => `--filter=label=${label}`);
  const list = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await docker.run([...words, ...filters], { signal, detached: true });
    return [...new Set(stdout.split('\n').filter(Boolean))];
  };
  const remove = async (how: readonly string[], what: readonly string[]): Promise<boolean> => {
    if (what.length === 0) return true;
    // Docker itself may be about to remove it: that is no failure, but nothing to be sure of either.
    const options = { signal, mayFail: true, detached: true };
    return (await docker.run([...how, ...what], options)).status === 0;
  };
  try {
    const [containers, volumes, images, networks] = await Promise.all([
      list('ps', '--all', '--quiet', '--no-trunc'),
      list('volume', 'ls', '--quiet'),
      list('image', 'ls', '--quiet', '--no-trunc'),
      list('network', 'ls', '--quiet', '--no-trunc'),
    ]);
    const noContainers = await remove(['rm', '--force', '--volumes'], containers);
    const noVolumes = await remove(['volume', 'rm', '--force'], volumes);
    // Its layers stay: they are the cache of the next build.
    const noImages = await remove(['image', 'rm', '--no-prune'], images);
    const gone = await removeNetworks({ docker }, networks, { signal, detached: true });
    const came = (noVolumes ? volumes.length : 0) + (noImages ? images.length : 0) + gone;
    return {
      came: containers.length + came,
      isAll: noContainers && noVolumes && noImages && gone === networks.length,
    };
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
