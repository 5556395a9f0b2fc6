import { rm } from 'node:fs/promises';
import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel } from '#docker/ours.ts';

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

/** Removes whatever one run has made; its files where they are named. Ctrl-C in the terminal does not reach it. */
export async function removeHandler(
  { docker }: { readonly docker: DockerCommand },
  { id, directory }: Pick<HandlerTraces, 'id'> & { readonly directory?: string },
  signal: AbortSignal,
): Promise<RemovedHandler> {
  const filter = `--filter=label=${handlerLabel}=${id}`;
  const list = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await docker.run([...words, filter], { signal, detached: true });
    return [...new Set(stdout.split('\n').filter(Boolean))];
  };
  const remove = async (how: readonly string[], what: readonly string[]): Promise<boolean> => {
    if (what.length === 0) return true;
    // Docker itself may be about to remove it: that is no failure, but nothing to be sure of either.
    const options = { signal, mayFail: true, detached: true };
    return (await docker.run([...how, ...what], options)).status === 0;
  };
  try {
    const [containers, volumes, images] = await Promise.all([
      list('ps', '--all', '--quiet', '--no-trunc'),
      list('volume', 'ls', '--quiet'),
      list('image', 'ls', '--quiet', '--no-trunc'),
    ]);
    const noContainers = await remove(['rm', '--force', '--volumes'], containers);
    const noVolumes = await remove(['volume', 'rm', '--force'], volumes);
    // Its layers stay: they are the cache of the next build.
    const noImages = await remove(['image', 'rm', '--no-prune'], images);
    return {
      came: containers.length + (noVolumes ? volumes.length : 0) + (noImages ? images.length : 0),
      isAll: noContainers && noVolumes && noImages,
    };
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
