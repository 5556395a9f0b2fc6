/** What a watcher was told, once nobody can tell it more. */
export interface WatchedState {
  /** All is taken back already. */
  readonly isDone: boolean;
  /** Commands that were under way. */
  readonly pids: readonly number[];
  /** What was written down and not crossed out, the last one first. */
  readonly steps: readonly unknown[];
}

/** A command is under way in a lane, which has one at a time. */
export const runsLine = (lane: number, pid: number): string =>
  `runs ${String(lane)} ${String(pid)}\n`;

/** It has ended. */
export const endedLine = (lane: number): string => `ended ${String(lane)}\n`;

/** Something is to be undone from now on. */
export const undoLine = (step: number, what: unknown): string =>
  `undo ${String(step)} ${JSON.stringify(what)}\n`;

/** It is not any more. */
export const undoneLine = (step: number): string => `undone ${String(step)}\n`;

/** Nothing is left. */
export const doneLine = 'done\n';

/** Reads the lines; what has no end was cut off with whoever wrote it, before he did anything of it. */
export function readWatched(text: string): WatchedState {
  const pids = new Map<string, number>();
  const steps = new Map<string, unknown>();
  const lines = text.split('\n').slice(0, -1);
  for (const line of lines) {
    const [, word, key = '', rest = ''] = /^(\w+) (\d+)(?: (.*))?$/s.exec(line) ?? [];
    if (word === 'runs' && /^\d+$/.test(rest) && Number(rest) > 1) pids.set(key, Number(rest));
    else if (word === 'ended') pids.delete(key);
    else if (word === 'undo') steps.set(key, JSON.parse(rest));
    else if (word === 'undone') steps.delete(key);
  }
  return {
    isDone: lines.at(-1) === doneLine.trimEnd(),
    pids: [...pids.values()],
    steps: [...steps.values()].toReversed(),
  };
}
