import { spawn } from 'node:child_process';
import type { CliContext } from '../context.ts';
import type { HandlerTraces } from './remove-handler.ts';

/** A process that outlives this one, and takes a handler back where this one cannot any more. */
export interface Watcher {
  /** The docker command that is under way; undefined once it has ended. */
  readonly runs: (pid: number | undefined) => void;
  /** The engine may yet make something: the watcher looks until nothing comes any more. */
  readonly doubt: () => void;
  /** All is taken back; or, where there was a doubt, the rest is the watcher's. */
  readonly done: () => void;
}

/**
 * Starts it. What it knows of us is the end of a pipe: `kill -9` closes that too. It is in a session of
 * its own, where neither Ctrl-C nor the terminal's end reaches it.
 */
export function startWatcher(context: CliContext, { id, directory }: HandlerTraces): Watcher {
  const { programs, env } = context;
  const args = ['handler-watch', `--id=${id}`, `--directory=${directory}`];
  const child = spawn(programs.node, ['--max-semi-space-size=1', programs.cli, ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env,
    windowsHide: true,
  });
  // Without it everything works but what comes after a kill -9; and the next `connect` sweeps.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  let isSure = true;
  return {
    doubt: () => {
      isSure = false;
    },
    runs: (pid) => void child.stdin.write(pid === undefined ? 'ended\n' : `runs ${String(pid)}\n`),
    done: () => void child.stdin.end(isSure ? 'done\n' : ''),
  };
}
