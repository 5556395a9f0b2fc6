import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { nameOfFile } from '#spec/name-of-file.ts';
import { parseSpecification } from '#spec/parse/parse-specification.ts';
import { formatProblem } from '#spec/parse/problem.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { RunSource } from './run-specification.ts';
import { unheededField } from './unheeded-fields.ts';

/** Reads a specification from a file, or from standard input (`-`); throws all that is wrong with it. */
export async function readSpecification(context: CliContext, typed: string): Promise<RunSource> {
  const isInput = typed === '-';
  const file = isInput ? '<stdin>' : typed;
  const path = resolve(context.cwd, typed);
  const text = isInput ? await context.readInput() : await readText(path, typed);
  const fallbackName = isInput ? 'stdin' : nameOfFile(path);
  const parsed = parseSpecification({ text, file, fallbackName });
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
  const directory = isInput ? context.cwd : dirname(path);
  return { specification, document: text, name: fallbackName, directory };
}

async function readText(path: string, typed: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('Usage', `${typed}: ${whyNot(error)}`, {
      cause: error,
      hint: 'it is: telepresence intercept run FILE, where FILE is an Intercept Specification, or - for standard input',
    });
  }
}

/** By the system's code. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'that is a directory, and not a file',
  EACCES: 'you may not read it',
};

function whyNot(error: unknown): string {
  return reasons[systemCode(error) ?? ''] ?? describe(error);
}
