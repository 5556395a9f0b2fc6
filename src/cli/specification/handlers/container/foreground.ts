import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../../../context.ts';
import { CliError } from '../../../errors.ts';
import { forgetOnceMade } from '../../../handler/forget-environment.ts';
import type { StartingWords } from '../../../handler/starting-words.ts';
import { stopContainer } from '../../../handler/stop-container.ts';
import type { WatchedLane } from '../../../handler/watcher.ts';
import type { RunningHandler } from '../handler-kind.ts';
import type { HandlerOutput } from '../handler-output.ts';

const lookMs = 200;

/**
 * Runs `docker run` with its output for others to print, in a process group of its own: Ctrl-C in the
 * terminal reaches the runner alone, which ends all handlers in its order. Resolves when the container
 * runs, or has ended.
 */
export async function runInForeground(
  { clock, signal }: Pick<CliContext, 'clock' | 'signal'>,
  {
    docker,
    output,
    watcher,
  }: {
    readonly docker: DockerCommand;
    readonly output: HandlerOutput;
    readonly watcher: WatchedLane;
  },
  of: {
    readonly name: string;
    readonly container: string;
    readonly directory: string;
    readonly words: StartingWords;
  },
): Promise<RunningHandler> {
  const { name, container, directory, words } = of;
  signal.throwIfAborted();
  const child = spawn(docker.path, [...words.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: directory,
    env: { ...docker.env, ...words.env },
    detached: true,
    windowsHide: true,
  });
  child.once('spawn', () => watcher.runs(child.pid));
  const printed = output.follow(child);
  const over = new AbortController();
  const exited = Promise.withResolvers<number>();
  let stopping: { readonly graceSeconds: number } | undefined;
  child.once('error', (cause) => {
    // Of one that could not be started there is no exit.
    over.abort();
    exited.reject(new CliError('Failed', `${docker.path}: ${cause.message}`, { cause }));
  });
  child.once('exit', (code, killed) => {
    over.abort();
    watcher.runs(undefined);
    // It ended before its container was made perhaps, and the engine goes on making it.
    if (killed !== null || (code !== 0 && stopping !== undefined)) watcher.doubt();
    exited.resolve(code ?? 128 + (killed === null ? 0 : constants.signals[killed]));
  });
  const ended = (async () => {
    const status = await exited.promise;
    await printed;
    return status;
  })();
  // Whoever gives up before it ends does not look at it any more.
  ended.catch(() => {});
  const running: RunningHandler = {
    name,
    ended,
    async stop(graceSeconds) {
      const isSooner = stopping === undefined || graceSeconds < stopping.graceSeconds;
      if (isSooner && !over.signal.aborted) {
        stopping = { graceSeconds };
        const told = { container, child, over: over.signal, graceSeconds };
        void stopContainer({ clock }, { docker }, told);
      }
      await ended.catch(() => {});
    },
  };
  try {
    await made({ clock, signal }, words, over.signal);
    await hasStarted({ clock }, docker, {
      container,
      over: AbortSignal.any([over.signal, signal]),
    });
    // Whoever was never there is known for it before anybody is told that all run.
    if (over.signal.aborted) await ended;
    return running;
  } catch (error) {
    await running.stop(0);
    throw error;
  }
}

/** Resolves when the container is made, or the command has ended without; rejects when it is given up before. */
async function made(
  deps: Pick<CliContext, 'clock' | 'signal'>,
  { files }: StartingWords,
  over: AbortSignal,
): Promise<void> {
  const { signal } = deps;
  const isMade = Promise.withResolvers<void>();
  using _forgetting = forgetOnceMade(deps, files, () => isMade.resolve());
  const onOver = (): void => isMade.resolve();
  const giveUp = (): void => isMade.reject(signal.reason);
  over.addEventListener('abort', onOver, { once: true });
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    if (over.aborted) onOver();
    if (signal.aborted) giveUp();
    await isMade.promise;
  } finally {
    over.removeEventListener('abort', onOver);
    signal.removeEventListener('abort', giveUp);
  }
}

/** A container that is made may fail to start: its command is not in the image, a device is missing. */
async function hasStarted(
  { clock }: Pick<CliContext, 'clock'>,
  docker: DockerCommand,
  { container, over }: { readonly container: string; readonly over: AbortSignal },
): Promise<void> {
  const format = ['inspect', '--format', '{{.State.StartedAt}}', container];
  try {
    for (;;) {
      const { stdout } = await docker.run(format, { signal: over, mayFail: true, detached: true });
      if (/^[1-9]/.test(stdout)) return;
      await clock.sleep(lookMs, over);
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
}
