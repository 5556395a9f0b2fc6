import { describe } from '#base/errors.ts';
import type { CliContext } from '../context.ts';
import type { RunningHandler } from './handlers/handler-kind.ts';

/** What Docker gives a container too. */
export const defaultGraceSeconds = 10;

/** A handler, and how long it may take to end. */
export interface StoppableHandler {
  readonly running: RunningHandler;
  readonly graceSeconds: number;
}

/** Has all of them end, at once where it is to be hurried; resolves when they have. */
export async function stopHandlers(
  context: Pick<CliContext, 'warn'>,
  handlers: readonly StoppableHandler[],
  hurry: AbortSignal,
): Promise<void> {
  const stopAll = async (most: number): Promise<void> => {
    const stop = async ({ running, graceSeconds }: StoppableHandler): Promise<void> => {
      try {
        await running.stop(Math.min(graceSeconds, most));
      } catch (error) {
        const { name } = running;
        const why = describe(error);
        context.warn(
          `telepresence intercept run: warning: handler ${name} may go on running: ${why}`,
        );
      }
    };
    await Promise.all(handlers.map(stop));
  };
  const onHurry = (): void => void stopAll(0);
  hurry.addEventListener('abort', onHurry, { once: true });
  try {
    await stopAll(hurry.aborted ? 0 : Infinity);
  } finally {
    hurry.removeEventListener('abort', onHurry);
  }
}
