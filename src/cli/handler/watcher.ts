import { spawn } from 'node:child_process';
import type { CliContext } from '../context.ts';
import type { HandlerTraces } from './remove-handler.ts';
import { doneLine, endedLine, runsLine, undoLine, undoneLine } from './watched-lines.ts';

/** What one handler tells of itself; each has one command under way at a time. */
export interface WatchedLane {
  /** The docker command that is under way; undefined once it has ended. */
  readonly runs: (pid: number | undefined) => void;
  /** The engine may yet make something: the watcher looks until nothing comes any more. */
  readonly doubt: () => void;
}

/** A process that outlives this one, and takes a handler back where this one cannot any more. */
export interface Watcher extends WatchedLane {
  /** For one more handler of the same run. */
  readonly lane: () => WatchedLane;
  /** Is told of something before it is done; returns what crosses that out. */
  readonly undoes: (step: unknown) => () => void;
  /** All is taken back; or, where there was a doubt, the rest is the watcher's. */
  readonly done: () => void;
}

/**
 * Starts it. What it knows of us is the end of a pipe: `kill -9` closes that too. It is in a session of
 * its own, where neither Ctrl-C nor the terminal's end reaches it.
 */
export function startWatcher(context: CliContext, { id, directory }: HandlerTraces): Watcher {
  const { programs, env, cwd } = context;
  const args = ['handler-watch', `--id=${id}`, `--directory=${directory}`, `--cwd=${cwd}`];
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
  const tell = (line: string): void => void child.stdin.write(line);
  let isSure = true;
  let lanes = 0;
  let steps = 0;
  const lane = (): WatchedLane => {
    const own = lanes;
    lanes += 1;
    return {
      runs: (pid) => tell(pid === undefined ? endedLine(own) : runsLine(own, pid)),
      doubt: () => {
        isSure = false;
      },
    };
  };
  return {
    ...lane(),
    lane,
    undoes: (step) => {
      const own = steps;
      steps += 1;
      tell(undoLine(own, step));
      return () => tell(undoneLine(own));
    },
    done: () => void child.stdin.end(isSure ? doneLine : ''),
  };
}
