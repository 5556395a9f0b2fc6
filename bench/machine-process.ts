import { spawn } from 'node:child_process';
import { enter } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { BenchError } from './error.ts';

/** A program that runs on a machine of the playground until it is disposed. */
export interface MachineProcess extends AsyncDisposable {
  /** What it printed before it was ready. */
  readonly printed: string;
}

interface StartOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Looks at all that was printed so far. */
  readonly isReady: (printed: string) => boolean;
  readonly signal: AbortSignal;
}

/** Starts a program and waits until what it prints says that it is ready. */
export async function startOn(
  machine: Machine,
  argv: readonly string[],
  options: StartOptions,
): Promise<MachineProcess> {
  options.signal.throwIfAborted();
  // Whatever ends nsenter, also the end of the bench, ends the program.
  const [file, ...args] = [...enter(machine, process.cwd()), 'setpriv', '--pdeathsig=KILL', '--'];
  const child = spawn('setpriv', ['--pdeathsig=KILL', '--', file, ...args, ...argv], {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let complaints = '';
  const ready = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    if (options.isReady(printed)) ready.resolve();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  child.on('error', ready.reject);
  child.on('close', (status) => {
    gone.resolve();
    const what = `${argv.join(' ')} ended with status ${status}: ${complaints}`;
    ready.reject(new BenchError('NotReady', what));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone.promise;
  };
  const onAbort = (): void => ready.reject(options.signal.reason);
  options.signal.addEventListener('abort', onAbort, { once: true });
  try {
    await ready.promise;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', onAbort);
  }
  return { printed, [Symbol.asyncDispose]: stop };
}
