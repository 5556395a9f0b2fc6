import type { CliContext } from '../context.ts';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import { handlerContext, type SharedByHandlers } from './handler-context.ts';
import type { RunTraces } from './handlers/handler-kind.ts';
import { prepareHandler } from './handlers/prepare-handler.ts';
import { defaultGraceSeconds } from './stop-handlers.ts';

/** How far it has come; a number is its exit code. */
export interface Reached {
  progress: 'waits' | 'starts' | 'runs' | number;
}

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
    /** Is kept up to date, for whoever is to know it also where something goes wrong. */
    readonly reached?: Reached;
  },
): Promise<number> {
  const { handler, traces, stop, kill, reached = { progress: 'waits' } } = of;
  const context = handlerContext(cli, shared, { handler, traces, intercepts: [] });
  await using ready = await prepareHandler(handler, context);
  stop.throwIfAborted();
  reached.progress = 'starts';
  const running = await ready.start([]);
  reached.progress = 'runs';
  const grace = handler.stopGraceSeconds ?? defaultGraceSeconds;
  const stopWithin = (seconds: number): void => {
    // What cannot be stopped is waited for.
    running.stop(seconds).catch(() => {});
  };
  const onStop = (): void => stopWithin(grace);
  const onKill = (): void => stopWithin(0);
  stop.addEventListener('abort', onStop, { once: true });
  kill.addEventListener('abort', onKill, { once: true });
  try {
    if (stop.aborted) onStop();
    if (kill.aborted) onKill();
    const status = await running.ended;
    reached.progress = status;
    return status;
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
  }
}
