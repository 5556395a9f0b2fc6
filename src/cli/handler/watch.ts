import { rm } from 'node:fs/promises';
import { openDockerCommand } from '#docker/command.ts';
import type { RunCommand } from '../commands/command-spec.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { removeHandler } from './remove-handler.ts';
import { readWatched } from './watched-lines.ts';

/** How long what was under way may take to appear once its command is dead, and to be removed. */
const patienceMs = 60_000;
const againMs = 300;
/** So many looks in a row find nothing: then nothing is coming any more. */
const enoughLooks = 5;

/** `telepresence handler-watch`: started by `--docker-run`, for the case that it is killed. */
export const runHandlerWatch: RunCommand = async (context, line) => {
  const id = line.text('id');
  const directory = line.text('directory');
  if (id === undefined || directory === undefined) {
    throw new CliError('Usage', 'this command is started by intercept --docker-run only');
  }
  // Ends when the one that writes does.
  const { isDone, pids, steps } = readWatched(await context.readInput());
  if (isDone) return 0;
  // They were its children: still pulling perhaps, or waiting for a container that nobody waits for now.
  for (const pid of pids) endProcess(pid);
  // A specification may be without containers, and the machine without Docker.
  const docker = await openDockerCommand({ env: context.env, platform: process.platform }).catch(
    () => undefined,
  );
  const remove = async (): Promise<number> => {
    if (docker === undefined) return 0;
    const signal = AbortSignal.timeout(patienceMs);
    return (await removeHandler({ docker }, { id }, signal)).came;
  };
  if (steps.length > 0) {
    await remove().catch(() => 0);
    const { undoSteps } = await import('../specification/undo/undo-steps.ts');
    const cwd = line.text('cwd') ?? context.cwd;
    await undoSteps({ ...context, cwd }, steps, { id, directory });
  }
  try {
    await removeUntilNothingComes(context, remove);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return 0;
};

/** The engine may be making a container, a volume or an image at this moment. */
async function removeUntilNothingComes(
  { clock, signal }: CliContext,
  remove: () => Promise<number>,
): Promise<void> {
  const until = clock.monotonic() + patienceMs;
  let idle = 0;
  while (idle < enoughLooks && clock.monotonic() < until) {
    idle = (await remove()) === 0 ? idle + 1 : 0;
    await clock.sleep(againMs, signal);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
