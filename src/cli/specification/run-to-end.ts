import type { CliContext } from '../context.ts';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import { handlerContext, type SharedByHandlers } from './handler-context.ts';
import type { RunTraces } from './handlers/handler-kind.ts';
import { prepareHandler } from './handlers/prepare-handler.ts';
import { defaultGraceSeconds } from './stop-handlers.ts';

/** Runs a handler that serves no intercept to its end, and returns its exit code. */
export async function runToEnd(
  cli: CliContext,
  shared: SharedByHandlers,
  of: {
    readonly handler: HandlerSpec;
    readonly traces: RunTraces;
    /** It is stopped when this aborts … */
    readonly stop: AbortSignal;
    /** … and at once when this does. */
    readonly kill: AbortSignal;
  },
): Promise<number> {
  const { handler, traces, stop, kill } = of;
  const context = handlerContext(cli, shared, { handler, traces, intercepts: [] });
  await using ready = await prepareHandler(handler, context);
  stop.throwIfAborted();
  const running = await ready.start([]);
  const grace = handler.stopGraceSeconds ?? defaultGraceSeconds;
  const onStop = (): void => void running.stop(grace);
  const onKill = (): void => void running.stop(0);
  stop.addEventListener('abort', onStop, { once: true });
  kill.addEventListener('abort', onKill, { once: true });
  try {
    if (stop.aborted) onStop();
    return await running.ended;
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
  }
}
