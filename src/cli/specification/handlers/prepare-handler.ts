import type { HandlerSpec } from '#spec/handler-spec.ts';
import { CliError } from '../../errors.ts';
import { containerKind } from './container/container-kind.ts';
import type { HandlerContext, ReadyHandler } from './handler-kind.ts';
import { externalKind } from './external/external-kind.ts';
import { noHandler } from './no-handler.ts';
import { scriptKind } from './script/script-kind.ts';

/** Prepares a handler as its kind has it; what goes wrong says which handler it was. */
export async function prepareHandler(
  handler: HandlerSpec,
  context: HandlerContext,
): Promise<ReadyHandler> {
  try {
    return await prepare(handler, context);
  } catch (error) {
    if (!(error instanceof CliError) || error.code === 'Interrupted') throw error;
    const { code, message, hint } = error;
    const told = `handler ${handler.name}`;
    if (message.startsWith(told)) throw error;
    throw new CliError(code, `${told}: ${message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

async function prepare(handler: HandlerSpec, context: HandlerContext): Promise<ReadyHandler> {
  if (handler.kind === 'container') return await containerKind.prepare(handler, context);
  if (handler.kind === 'script') return await scriptKind.prepare(handler, context);
  if (handler.kind === 'external') return await externalKind.prepare(handler, context);
  if (handler.kind === 'none') return await noHandler.prepare(handler, context);
  throw notYet(handler);
}

/** Throws where nobody can run it: said before anything is done. */
export function refuseUnknownKind(handler: HandlerSpec): void {
  if (handler.kind === 'compose') throw notYet(handler);
}

function notYet({ name, kind }: HandlerSpec): CliError {
  return new CliError('Usage', `handler ${name} is of the kind ${kind}, which cannot be run yet`, {
    hint: 'make it a docker handler with an image or a build',
  });
}
