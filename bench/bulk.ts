import { describe } from '#base/errors.ts';
import { run } from '../images/command.ts';
import type { Stage } from './stages.ts';

/** Bulk in one direction by one flow, for at most so many seconds, until disposed. */
export function startBulk(
  stage: Stage,
  options: {
    readonly direction: 'up' | 'down';
    readonly seconds: number;
    readonly signal: AbortSignal;
    readonly progress: (line: string) => void;
  },
): AsyncDisposable {
  const { direction, seconds, progress } = options;
  const { host, port } = stage.at.flood;
  const stop = new AbortController();
  const what = [direction, host, port, 1, seconds].map(String);
  const ended = run([...stage.client.flood, ...what], {
    env: stage.env,
    signal: AbortSignal.any([options.signal, stop.signal]),
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) progress(`bulk ${direction}: ${describe(error)}`);
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('enough'));
      await ended;
    },
  };
}
