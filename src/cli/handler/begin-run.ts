import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '#base/errors.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { makePrivateDirectory } from '../daemon/private-directory.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { removeHandler } from './remove-handler.ts';
import { startWatcher, type Watcher } from './watcher.ts';

const removeMs = 30_000;

/** Makes the folder of one run and its watcher; `undo` takes back all that is made under the run's id. */
export async function beginRun(
  context: CliContext,
  run: {
    readonly docker: DockerCommand;
    readonly id: string;
    readonly name: string;
    readonly command: string;
  },
  undo: AsyncDisposableStack,
): Promise<{ readonly directory: string; readonly watcher: Watcher }> {
  const { docker, id, name, command } = run;
  const directory = await privateDirectory(context);
  const watcher = startWatcher(context, { id, directory });
  undo.defer(async () => {
    try {
      const signal = AbortSignal.timeout(removeMs);
      const { isAll } = await removeHandler({ docker }, { id, directory }, signal);
      if (!isAll) watcher.doubt();
    } catch (error) {
      watcher.doubt();
      const why = describe(dockerFailure(error));
      context.warn(`telepresence ${command}: warning: something of ${name} may be left: ${why}`);
    }
    // Ctrl-C ended a docker command perhaps, and the engine goes on with what it was told.
    if (context.signal.aborted) watcher.doubt();
    watcher.done();
  });
  return { directory, watcher };
}

/** A folder for the files of one run: the environment holds secrets. */
export async function privateDirectory({ places, uid }: CliContext): Promise<string> {
  await makePrivateDirectory(places.runtimeDir, { ...places, uid });
  const parent = join(places.runtimeDir, 'handlers');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return await mkdtemp(join(parent, 'run-'));
}
