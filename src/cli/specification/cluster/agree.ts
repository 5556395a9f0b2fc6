import type { Specification } from '#spec/specification.ts';
import type { CliContext } from '../../context.ts';
import { CliError } from '../../errors.ts';
import type { FetchedSpecification } from './fetch-specification.ts';
import { whatItRuns } from './what-it-runs.ts';

/** Of a small terminal. */
const oneScreen = 20;

/**
 * Whoever may write specifications into the namespace could run anything here: the person whose
 * machine it is sees what it is, and says yes first.
 */
export async function agree(
  context: Pick<CliContext, 'interactive' | 'warn' | 'ask'>,
  { name, namespace, context: cluster }: Omit<FetchedSpecification, 'object'>,
  specification: Specification,
  { yes }: { readonly yes: boolean },
): Promise<void> {
  if (yes) return;
  const look = `kubectl get ispec ${name} --namespace ${namespace} --output yaml`;
  if (!context.interactive) {
    throw new CliError(
      'Usage',
      `the specification ${name} comes from the namespace ${namespace} of the context ${cluster}, and whether it may run on this machine can only be asked on a terminal`,
      {
        hint: `look at it (${look}), then agree with --yes`,
      },
    );
  }
  context.warn(
    `The specification ${name} comes from the namespace ${namespace} of the context ${cluster}. On this machine:`,
  );
  const lines = whatItRuns(specification);
  for (const line of lines) context.warn(`  ${line}`);
  if (lines.length > oneScreen) {
    context.warn(
      `These are ${String(lines.length)} lines, the first of them perhaps out of sight; all of it: ${look}`,
    );
  }
  const answer = await context.ask('Run it? [y/N] ');
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  throw new CliError('Failed', `the specification ${name} is not run`);
}
