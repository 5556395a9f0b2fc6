import type { HandlerSpec } from '#spec/handler-spec.ts';
import { composeKind } from '../../compose/compose-handler.ts';
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
  switch (handler.kind) {
    case 'container':
      return await containerKind.prepare(handler, context);
    case 'compose':
      return await composeKind.prepare(handler, context);
    case 'script':
      return await scriptKind.prepare(handler, context);
    case 'external':
      return await externalKind.prepare(handler, context);
    case 'none':
      return await noHandler.prepare(handler, context);
    default:
      return handler satisfies never;
  }
}
