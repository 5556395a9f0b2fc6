import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';

/** A container in the foreground. */
export interface RunningContainer {
  /** Its exit code, or Docker's own (125 to 127). */
  readonly ended: Promise<number>;
  /** Has it stopped: its own stop signal, and 10 s later its end. */
  readonly stop: () => void;
}

/** How long a container may take over the first Ctrl-C. */
const graceMs = 10_000;
/** `docker stop` has its own patience; where the engine is gone, nobody else has. */
const stopMs = 60_000;

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
    readonly env: Readonly<Record<string, string>>;
    readonly onRun: (pid: number | undefined) => void;
  },
): RunningContainer {
  const { docker } = deps;
  const { args, container, env, onRun } = options;
  context.flush();
  const child = spawn(docker.path, [...args], {
    stdio: 'inherit',
    cwd: context.cwd,
    env: { ...env, ...docker.env },
  });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    const signal = AbortSignal.timeout(stopMs);
    docker.run(['stop', container], { signal, mayFail: true }).then(
      // Not started yet, or gone: then nothing is left for the command to wait for.
      ({ status }) => void (status === 0 || child.kill('SIGTERM')),
      () => void child.kill('SIGKILL'),
    );
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
    if (!context.interactive) child.kill('SIGINT');
    context.clock.after(graceMs, stop);
  });
  child.once('spawn', () => onRun(child.pid));
  const ended = Promise.withResolvers<number>();
  child.once('error', (cause) => {
    ended.reject(new CliError('Failed', `${docker.path}: ${cause.message}`, { cause }));
  });
  child.once('exit', (code, signal) => {
    onRun(undefined);
    ended.resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  return {
    ended: ended.promise.finally(() => signals[Symbol.dispose]()),
    stop,
  };
}
