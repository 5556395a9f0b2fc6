import { orAborted } from '#kube/or-aborted.ts';

/** Somebody who waits for a turn: what is before it is told, and he may go. */
export interface InLine {
  readonly report: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Runs one thing after another, each when all before it have ended, however they did. */
export function takeTurns(): <T>(
  what: string,
  run: () => Promise<T>,
  waiting?: InLine,
) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  const line: string[] = [];
  return async (what, run, waiting) => {
    const before = line[0];
    if (before !== undefined) waiting?.report(`waiting for the end of ${before}`);
    line.push(what);
    const begin = last;
    const turn = begin.then(async () => {
      waiting?.signal.throwIfAborted();
      return await run();
    });
    last = turn.catch(() => {}).then(() => line.shift());
    // Once it runs, it heeds the signal by itself and ends in order.
    if (waiting !== undefined) await orAborted(begin, waiting.signal);
    return await turn;
  };
}
