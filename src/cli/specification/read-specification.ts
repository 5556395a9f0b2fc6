import { formatProblem } from '#spec/parse/problem.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { parseFile } from './parse-file.ts';
import type { RunSource } from './run-specification.ts';
import { unheededField } from './unheeded-fields.ts';

/** Reads a specification from a file, or from standard input (`-`); throws all that is wrong with it. */
export async function readSpecification(context: CliContext, typed: string): Promise<RunSource> {
  const { parsed, text, fallbackName, directory } = await parseFile(context, typed, 'run');
  if (!('specification' in parsed)) {
    throw new CliError('Usage', parsed.problems.map(formatProblem).join('\n'));
  }
  const { specification, problemAt } = parsed;
  const unheeded = unheededField(specification);
  if (unheeded !== undefined) {
    const { why, instead, intercept } = unheeded;
    const problem = problemAt(unheeded.path, `of intercept ${intercept} cannot be heeded: ${why}`);
    throw new CliError('Usage', formatProblem(problem), { hint: instead });
  }
  return { specification, document: text, name: fallbackName, directory };
}
