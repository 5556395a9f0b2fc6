import { statSync, unlinkSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '#base/clock.ts';

/** Where the folder cannot be watched. */
const lookMs = 200;

/**
 * Calls `onMade` and removes the environment's file as soon as Docker has read it and made the
 * container, which is when it has written the container's id. It never throws.
 */
export function forgetOnceMade(
  { clock }: { readonly clock: Clock },
  files: { readonly id: string; readonly environment: string },
  onMade: () => void,
): Disposable {
  const watching = new DisposableStack();
  const look = (): void => {
    if (watching.disposed || !isWritten(files.id)) return;
    watching.dispose();
    try {
      unlinkSync(files.environment);
    } catch {
      // The whole folder is removed in the end.
    }
    onMade();
  };
  const lookAgainAndAgain = (): void => {
    if (!watching.disposed) watching.use(clock.every(lookMs, look));
  };
  try {
    const watcher = watch(dirname(files.id), look);
    watching.defer(() => watcher.close());
    watcher.on('error', lookAgainAndAgain);
  } catch {
    // The user's own folder is not there perhaps, or the machine has no watches left.
    lookAgainAndAgain();
  }
  look();
  return { [Symbol.dispose]: () => watching.dispose() };
}

function isWritten(path: string): boolean {
  try {
    return statSync(path).size > 0;
  } catch {
    return false;
  }
}
