import { statSync, unlinkSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Calls `onMade` and removes the environment's file as soon as Docker has read it and made the
 * container, which is when it has written the container's id.
 */
export function forgetOnceMade(
  files: { readonly id: string; readonly environment: string },
  onMade: () => void,
): Disposable {
  let isMade = false;
  const look = (): void => {
    if (isMade || (statSync(files.id, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
    isMade = true;
    watching.close();
    try {
      unlinkSync(files.environment);
    } catch {
      // The whole folder is removed in the end.
    }
    onMade();
  };
  const watching = watch(dirname(files.id), look);
  watching.on('error', () => {});
  look();
  return { [Symbol.dispose]: () => watching.close() };
}
