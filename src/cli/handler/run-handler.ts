import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { modeWords } from '../output/mode-words.ts';
import { forgetOnceMade } from './forget-environment.ts';
import type { PreparedContainer } from './prepare-container.ts';
import { runContainer } from './run-container.ts';
import { startingWords } from './starting-words.ts';

/** What a handler answers for. */
export interface HandledIntercept {
  readonly info: InterceptInfo;
  /** Resolves with why, where it ends before the container does. */
  readonly ended: Promise<string>;
  /** Called once the container is made. */
  readonly onStart: () => void;
}

/** A handler for which all is there but the intercept; what was made for it goes when it is disposed. */
export interface PreparedHandler extends PreparedContainer, AsyncDisposable {}

/** Runs the container to its end; returns its exit code. */
export async function runHandler(
  context: CliContext,
  handler: PreparedHandler,
  intercept: HandledIntercept,
): Promise<number> {
  const { docker, name: container, watcher } = handler;
  let endedBefore: string | undefined;
  void intercept.ended.then((why) => {
    endedBefore = endedSentence(intercept.info, why);
  });
  const { args, env, files } = await startingWords(context, handler, { served: [intercept.info] });
  context.signal.throwIfAborted();
  if (endedBefore !== undefined) {
    throw new CliError('Failed', `${endedBefore}; the container was not started`);
  }
  using _forgetting = forgetOnceMade(context, files, intercept.onStart);
  const running = runContainer(context, { docker }, { args, container, env, watcher });
  let isOver = false;
  void intercept.ended.then((why) => {
    if (isOver) return;
    const sentence = endedSentence(intercept.info, why);
    context.warn(`telepresence ${handler.command}: warning: ${sentence}; the container is stopped`);
    running.stop();
  });
  try {
    return await running.ended;
  } finally {
    isOver = true;
  }
}

/** `the intercept hello has ended: asked to leave` */
export function endedSentence(info: InterceptInfo, why: string): string {
  const { noun } = modeWords(info);
  return `the ${noun} ${info.name} has ended${why === '' ? '' : `: ${why}`}`;
}
