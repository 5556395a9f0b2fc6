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

/** Removes whatever one run has made; returns how many containers there were. */
export async function removeHandler(
  { docker }: { readonly docker: DockerCommand },
  { id, directory }: HandlerTraces,
  signal: AbortSignal,
): Promise<number> {
  const filter = `--filter=label=${handlerLabel}=${id}`;
  const list = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await docker.run([...words, filter], { signal });
    return [...new Set(stdout.split('\n').filter(Boolean))];
  };
  const remove = async (how: readonly string[], what: readonly string[]): Promise<void> => {
    // Docker itself may be about to remove it: what counts is that it is gone.
    if (what.length > 0) await docker.run([...how, ...what], { signal, mayFail: true });
  };
  try {
    const [containers, volumes, images] = await Promise.all([
      list('ps', '--all', '--quiet', '--no-trunc'),
      list('volume', 'ls', '--quiet'),
      list('image', 'ls', '--quiet', '--no-trunc'),
    ]);
    await remove(['rm', '--force', '--volumes'], containers);
    await remove(['volume', 'rm', '--force'], volumes);
    // Its layers stay: they are the cache of the next build.
    await remove(['image', 'rm', '--no-prune'], images);
    return containers.length;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
