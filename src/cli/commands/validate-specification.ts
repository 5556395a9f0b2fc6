import { formatProblem } from '#spec/parse/problem.ts';
import type { Specification } from '#spec/specification.ts';
import type { ParsedSpecification } from '#spec/parse/parse-specification.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { parseFile } from '../specification/parse-file.ts';
import { planRun } from '../specification/plan.ts';
import { unheededFields } from '../specification/unheeded-fields.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence intercept validate FILE` */
export const runValidate: RunCommand = async (context, line) => {
  const { file, parsed } = await parseFile(context, line.words[0] ?? '', 'validate');
  if ('specification' in parsed) {
    const { specification } = parsed;
    warnOfRun(context, file, parsed);
    context.show({
      text: [
        `${file}: Intercept spec "${specification.name}" is valid: ${contents(specification)}.`,
      ],
      object: { file, name: specification.name, valid: true },
    });
    return 0;
  }
  const { problems } = parsed;
  context.show({
    text: [...problems.map(formatProblem), `${file}: ${counted(problems.length, 'mistake')}.`],
    object: { file, valid: false, problems },
  });
  return 1;
};

/** What is right as a specification may still be what `run` cannot do. */
function warnOfRun(
  context: CliContext,
  file: string,
  { specification, problemAt }: Extract<ParsedSpecification, { specification: Specification }>,
): void {
  const warn = (why: string, hint: string | undefined): void => {
    context.warn(`telepresence intercept validate: warning: ${why}`);
    if (hint !== undefined) context.warn(hint);
  };
  for (const unheeded of unheededFields(specification)) {
    const problem = problemAt(unheeded.path, `run would refuse it: ${unheeded.why}`);
    warn(formatProblem(problem), unheeded.instead);
  }
  try {
    planRun(specification);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    warn(`${file}: run would refuse it: ${error.message}`, error.hint);
  }
}

function contents({ workloads, handlers }: Specification): string {
  const intercepts = workloads.flatMap((workload) => workload.intercepts);
  const left = intercepts.filter(({ enabled }) => !enabled).length;
  const parts = [
    counted(workloads.length, 'workload'),
    `${counted(intercepts.length, 'intercept')}${left === 0 ? '' : ` (${left} left out)`}`,
    counted(handlers.length, 'handler'),
  ];
  return parts.join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
