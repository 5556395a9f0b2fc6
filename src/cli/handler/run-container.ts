import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { stopContainer } from './stop-container.ts';
import type { Watcher } from './watcher.ts';

/** A container in the foreground. */
export interface RunningContainer {
  /** Its exit code, or Docker's own (125 to 127). */
  readonly ended: Promise<number>;
  /** Has it stopped: its own stop signal, and 10 s later its end. */
  readonly stop: () => void;
}

/** How long a container may take over the first Ctrl-C. */
const graceMs = 10_000;

/**
 * Runs the docker command with this terminal. Ctrl-C is the container's, by way of Docker, which has it
 * from the terminal too; a second one, or a container that does not heed it, is stopped.
 */
export function runContainer(
  context: CliContext,
  deps: { readonly docker: DockerCommand },
  options: {
    readonly args: readonly string[];
    readonly container: string;
    /** Values that the arguments only name: they win over what the user's shell has of that name. */
    readonly env: Readonly<Record<string, string>>;
    readonly watcher: Pick<Watcher, 'runs' | 'doubt'> | undefined;
  },
): RunningContainer {
  const { docker } = deps;
  const { args, container, env, watcher } = options;
  context.flush();
  const child = spawn(docker.path, [...args], {
    stdio: 'inherit',
    cwd: context.cwd,
    env: { ...docker.env, ...env },
  });
  const over = new AbortController();
  let isStopping = false;
  const stop = (): void => {
    if (isStopping || over.signal.aborted) return;
    isStopping = true;
    void stopContainer(context, { docker }, { container, child, over: over.signal });
  };
  let interrupts = 0;
  const signals = context.takeSignals((name) => {
    if (name !== 'SIGINT') {
      stop();
      return;
    }
    interrupts += 1;
    if (interrupts > 1) {
      stop();
      return;
    }
    if (!context.hasTerminal()) child.kill('SIGINT');
    context.clock.after(graceMs, stop);
  });
  child.once('spawn', () => watcher?.runs(child.pid));
  const ended = Promise.withResolvers<number>();
  child.once('error', (cause) => {
    ended.reject(new CliError('Failed', `${docker.path}: ${cause.message}`, { cause }));
  });
  child.once('exit', (code, signal) => {
    watcher?.runs(undefined);
    // It ended before its container was made perhaps, and the engine goes on making it.
    if (signal !== null || (code !== 0 && (isStopping || interrupts > 0))) watcher?.doubt();
    ended.resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  return {
    ended: ended.promise.finally(() => {
      over.abort();
      signals[Symbol.dispose]();
    }),
    stop,
  };
}
