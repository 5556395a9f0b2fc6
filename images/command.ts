import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { CodedError } from '#base/errors.ts';

/** A program of the machine that failed or could not be started. */
export class CommandError extends CodedError<'CommandFailed'> {}

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Written to its standard input. */
  readonly input?: string;
  /** A file that becomes its standard input. */
  readonly inputFile?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Return a status other than 0 instead of throwing. */
  readonly mayFail?: boolean;
  /** Called with what it prints, as it prints it. */
  readonly onOutput?: (text: string) => void;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and returns what it printed. */
export async function run(
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  options.signal.throwIfAborted();
  const [file = '', ...args] = argv;
  await using inputFile =
    options.inputFile === undefined ? undefined : await open(options.inputFile);
  const child = spawn(file, args, {
    stdio: [inputFile?.fd ?? 'pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const stop = (): void => void child.kill('SIGKILL');
  options.signal.addEventListener('abort', stop, { once: true });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
      options.onOutput?.(text);
    });
  }
  // A program that ends without reading its input is judged by its status alone.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const ended = Promise.withResolvers<number>();
  child.on('error', (cause) =>
    ended.reject(new CommandError('CommandFailed', `start ${file}`, { cause })),
  );
  child.on('close', (status) => ended.resolve(status ?? -1));
  try {
    const status = await ended.promise;
    options.signal.throwIfAborted();
    if (status !== 0 && options.mayFail !== true) {
      const said = (printed.stderr.trim() || printed.stdout.trim()).slice(-4000);
      throw new CommandError('CommandFailed', `${argv.join(' ')}: status ${status}: ${said}`);
    }
    return { status, ...printed };
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}
