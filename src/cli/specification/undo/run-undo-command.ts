import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CliContext } from '../../context.ts';
import type { UndoStepOf } from './undo-step.ts';

/** Nobody waits for what hangs; whoever was killed is not there to be asked either. */
const commandMs = 120_000;

/** Runs a command to its end, whatever that is. */
export async function runUndoCommand(
  { env }: Pick<CliContext, 'env'>,
  { words, directory, environment }: UndoStepOf<'command'>,
): Promise<void> {
  const [file = '', ...args] = words;
  const child = spawn(file, args, {
    cwd: directory,
    env: { ...env, ...environment },
    stdio: 'ignore',
    timeout: commandMs,
    killSignal: 'SIGKILL',
    windowsHide: true,
  });
  await once(child, 'close');
}
