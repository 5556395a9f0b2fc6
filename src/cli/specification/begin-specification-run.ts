import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '#base/errors.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { privateDirectory } from '../handler/begin-run.ts';
import { removeHandler } from '../handler/remove-handler.ts';
import { startWatcher, type WatchedLane } from '../handler/watcher.ts';
import type { RunTraces } from './handlers/handler-kind.ts';
import type { Journal } from './undo/journal.ts';

const removeMs = 30_000;

/** By what a run is known, and what takes all of it back. */
export interface BegunRun {
  readonly journal: Journal;
  /** Traces of one more handler, or of a prerequisite. */
  tracesOf(handler: string): RunTraces;
  /** Removes all that was made in Docker so far. */
  sweep(): Promise<void>;
  /** All handlers run: Ctrl-C interrupts no docker command from now on. */
  settled(): void;
}

/** Makes the folder of a run and its watcher, which `undo` ends when all else is undone. */
export async function beginSpecificationRun(
  context: CliContext,
  { docker }: { /** Undefined: no handler needs it. */ readonly docker: DockerCommand | undefined },
  undo: AsyncDisposableStack,
): Promise<BegunRun> {
  const id = randomUUID();
  const directory = await privateDirectory(context);
  const watcher = startWatcher(context, { id, directory });
  const sweep = async (): Promise<void> => {
    if (docker === undefined) return;
    try {
      const { isAll } = await removeHandler({ docker }, { id }, AbortSignal.timeout(removeMs));
      if (!isAll) watcher.doubt();
    } catch (error) {
      watcher.doubt();
      const why = describe(dockerFailure(error));
      context.warn(`telepresence intercept run: warning: something may be left: ${why}`);
    }
  };
  undo.defer(async () => {
    await sweep();
    await rm(directory, { recursive: true, force: true });
    // Ctrl-C ended a docker command perhaps, and the engine goes on with what it was told.
    if (docker !== undefined && !isSettled && context.signal.aborted) watcher.doubt();
    watcher.done();
  });
  let isSettled = false;
  const used = { usedVolumes: new Set<string>(), usedProjects: new Set<string>() };
  let handlers = 0;
  return {
    journal: { write: (step) => watcher.undoes(step) },
    tracesOf: (handler) => {
      handlers += 1;
      const lane: WatchedLane = watcher.lane();
      const own = join(directory, `${String(handlers)}-${handler}`);
      return { id, directory: own, watcher: lane, ...used };
    },
    sweep,
    settled: () => {
      isSettled = true;
    },
  };
}
