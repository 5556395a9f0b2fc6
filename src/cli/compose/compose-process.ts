import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { HandlerOutput } from '../specification/handlers/handler-output.ts';
import type { Journal } from '../specification/undo/journal.ts';
import type { ComposeCommand } from './compose-command.ts';

/** A `docker compose` that was started, and whose lines are shown. */
export interface ComposeProcess {
  /** Its exit code, once all that it said is shown. */
  readonly ended: Promise<number>;
  /** The last that it said on standard error. */
  readonly lastWords: readonly string[];
  kill(signal: NodeJS.Signals): void;
}

const keptLines = 20;

/**
 * Starts it in a process group of its own: Ctrl-C in the terminal is for the command that runs all, which
 * says what is to happen, and in which order.
 */
export function startCompose(
  { clock }: Pick<CliContext, 'clock'>,
  deps: {
    readonly compose: ComposeCommand;
    readonly journal: Journal;
    readonly output: HandlerOutput;
  },
  of: { readonly words: readonly string[]; readonly cwd: string },
): ComposeProcess {
  const { docker } = deps.compose;
  const { words, cwd } = of;
  const child = spawn(docker.path, ['compose', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd,
    env: docker.env,
    windowsHide: true,
  });
  const { pid } = child;
  const forget =
    pid === undefined
      ? () => {}
      : deps.journal.write({ kind: 'process-group', pid, graceSeconds: 0 });
  const lastWords: string[] = [];
  const followed = deps.output.follow(child);
  child.stderr.on('data', (chunk: Buffer) => {
    lastWords.push(...chunk.toString('utf8').split('\n').filter(Boolean));
    lastWords.splice(0, lastWords.length - keptLines);
  });
  const shownToTheEnd = async (): Promise<number> => {
    try {
      return await endOf(child, docker.path);
    } finally {
      forget();
      // Whoever it has left behind may hold its pipes.
      await Promise.race([followed, clock.sleep(1000, new AbortController().signal)]);
    }
  };
  return {
    ended: shownToTheEnd(),
    lastWords,
    kill(signal) {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-pid, signal);
      } catch {
        child.kill(signal);
      }
    },
  };
}

async function endOf(child: ChildProcess, path: string): Promise<number> {
  const ended = Promise.withResolvers<number>();
  child.once('error', (cause) => {
    ended.reject(new CliError('Failed', `${path}: ${cause.message}`, { cause }));
  });
  child.once('exit', (code, signal) => {
    ended.resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  return await ended.promise;
}
