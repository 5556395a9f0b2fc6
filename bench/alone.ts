import { lock } from '../playground/lock.ts';
import { settingsFrom } from '../playground/settings.ts';

/** Tells whoever waits at a terminal what goes on; standard output is for results. */
export const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Aborts when the run is interrupted: once cleanly, the second time at once. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => interrupted.abort(new Error('interrupted')));
  }
  return interrupted.signal;
}

/** Waits until no other bench uses the playground, and keeps others away until it is disposed of. */
export async function benchAlone(signal: AbortSignal): Promise<AsyncDisposable> {
  const { layout } = settingsFrom(process.env);
  return await lock(`${layout.lock}.bench`, {
    signal,
    onWait: (pid) => progress(`waiting for the bench of process ${String(pid)}`),
  });
}
