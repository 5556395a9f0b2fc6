import { describe } from '#base/errors.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import type { HandlerContext } from '../specification/handlers/handler-kind.ts';

/**
 * Runs what undoes something, and returns whether that is sure. Where it is not, the watcher looks after
 * it: it spoils neither what is undone after it nor the exit code of the run.
 */
export async function takeBack(
  { output, traces }: Pick<HandlerContext, 'output' | 'traces'>,
  what: string,
  undo: () => Promise<boolean>,
): Promise<boolean> {
  try {
    if (await undo()) return true;
  } catch (error) {
    output.err(`warning: ${what} may be left: ${describe(dockerFailure(error))}`);
  }
  traces.watcher.doubt();
  return false;
}
