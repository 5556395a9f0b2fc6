import { rm } from 'node:fs/promises';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import { composeCopy } from '../compose/dry-run.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { privateDirectory } from '../handler/begin-run.ts';
import { intendedPlace } from './connect-all.ts';
import { planRun } from './plan.ts';
import type { RunSource } from './run-specification.ts';

/** `intercept run --dry-run`: what Compose would be given for each handler; nothing is connected or made. */
export async function showCopies(
  context: CliContext,
  source: Pick<RunSource, 'specification' | 'directory'>,
): Promise<void> {
  const plan = planRun(source.specification);
  const handlers = plan.handlers.filter(
    (one): one is typeof one & { readonly handler: ComposeHandler } =>
      one.handler.kind === 'compose',
  );
  if (handlers.length === 0) {
    throw new CliError(
      'Usage',
      '--dry-run shows what Compose would run, and no handler is one of Compose',
      {
        hint: 'check the specification: telepresence intercept validate FILE',
      },
    );
  }
  const places: (Awaited<ReturnType<typeof intendedPlace>> & { readonly name: string })[] = [];
  for (const spec of plan.connections) {
    const place = await intendedPlace(context, spec);
    places.push({ name: spec.name ?? '', ...place });
  }
  const directory = await privateDirectory(context);
  try {
    for (const { handler, intercepts } of handlers) {
      const text = await composeCopy(context, {
        handler,
        base: source.directory,
        directory,
        places,
        intercepts: intercepts.map(({ spec, workload, connection }) => ({
          name: spec.name,
          workload,
          connection: { name: connection ?? '' },
        })),
      });
      context.print(text.trimEnd());
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
