import type { CliContext } from '../context.ts';
import { endedSentence } from '../handler/run-handler.ts';
import type { RunningHandler } from './handlers/handler-kind.ts';
import type { RunIntercept } from './make-intercepts.ts';

/** What a container is killed with whose connection is ended elsewhere; that says so a moment later. */
const killed = new Set([137, 143]);
const momentMs = 2000;

/** Waits for the first that ends the run, says what it was, and returns the exit code that it means. */
export async function waitForEnd(
  context: Pick<CliContext, 'clock' | 'warn'>,
  handlers: readonly Pick<RunningHandler, 'name' | 'ended'>[],
  intercepts: readonly Pick<RunIntercept, 'made' | 'ended'>[],
  end: AbortSignal,
): Promise<number> {
  const interrupted = Promise.withResolvers<undefined>();
  const onEnd = (): void => interrupted.resolve(undefined);
  end.addEventListener('abort', onEnd, { once: true });
  if (end.aborted) onEnd();
  const handlerEnds = Promise.race(
    handlers.map(async ({ name, ended }) => ({ name, status: await ended })),
  );
  const interceptEnds = Promise.race(
    intercepts.map(async ({ made, ended }) => {
      const why = await ended;
      return { sentence: endedSentence(made.info, why), status: statusOf(why) };
    }),
  );
  const warn = (sentence: string): void =>
    context.warn(`telepresence intercept run: warning: ${sentence}`);
  try {
    const first = await Promise.race([
      interrupted.promise,
      handlerEnds.then((handler) => ({ handler })),
      interceptEnds,
    ]);
    // Asked for: all is as it should be.
    if (first === undefined) return 0;
    if ('sentence' in first) {
      warn(`${first.sentence}; the handlers are stopped`);
      return first.status;
    }
    const { name, status } = first.handler;
    const moment = AbortSignal.any([end, AbortSignal.timeout(momentMs)]);
    const elsewhere = killed.has(status) ? await orMoment(interceptEnds, moment) : undefined;
    if (elsewhere !== undefined) {
      warn(`${elsewhere.sentence}; the handlers are stopped`);
      return elsewhere.status;
    }
    const how = status === 0 ? 'has ended' : `has ended with exit code ${String(status)}`;
    warn(`handler ${name} ${how}; everything is taken back`);
    return status;
  } finally {
    end.removeEventListener('abort', onEnd);
  }
}

/** Whoever asks for it, here or elsewhere (`leave`, `quit`), gives no reason; whoever takes it over does. */
function statusOf(why: string): number {
  return why === '' ? 0 : 1;
}

async function orMoment<T>(what: Promise<T>, moment: AbortSignal): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  moment.addEventListener('abort', () => over.resolve(undefined), { once: true });
  if (moment.aborted) over.resolve(undefined);
  return await Promise.race([what, over.promise]);
}
