import { formatProblem } from '#spec/parse/problem.ts';
import type { Specification } from '#spec/specification.ts';
import { parseFile } from '../specification/parse-file.ts';
import { unheededField } from '../specification/unheeded-fields.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence intercept validate FILE` */
export const runValidate: RunCommand = async (context, line) => {
  const { file, parsed } = await parseFile(context, line.words[0] ?? '', 'validate');
  if ('specification' in parsed) {
    const { specification, problemAt } = parsed;
    const unheeded = unheededField(specification);
    if (unheeded !== undefined) {
      const problem = problemAt(unheeded.path, `run would refuse it: ${unheeded.why}`);
      context.warn(`telepresence intercept validate: warning: ${formatProblem(problem)}`);
      context.warn(unheeded.instead);
    }
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
