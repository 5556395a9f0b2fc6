import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { systemCode } from '#base/errors.ts';
import type { CliContext } from './context.ts';
import { CliError } from './errors.ts';

/**
 * Runs the user's command with `environment` added to ours, hands signals on to it, and returns its
 * exit code (128 + number where a signal ended it).
 */
export async function runCommand(
  context: CliContext,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  onStart: () => void = () => {},
): Promise<number> {
  context.signal.throwIfAborted();
  context.flush();
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    stdio: 'inherit',
    cwd: context.cwd,
    env: { ...context.env, ...environment },
  });
  using _signals = context.takeSignals((signal) => {
    // A terminal gives Ctrl-C to the command itself; a second one makes many servers stop at once.
    if (signal === 'SIGINT' && context.interactive) return;
    child.kill(signal);
  });
  child.once('spawn', onStart);
  const ended = Promise.withResolvers<number>();
  child.once('error', (error) => {
    const reason = systemCode(error) === 'ENOENT' ? 'command not found' : error.message;
    ended.reject(new CliError('Failed', `${file}: ${reason}`, { cause: error }));
  });
  child.once('exit', (code, signal) => {
    ended.resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  return await ended.promise;
}
