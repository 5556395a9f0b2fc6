import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from '#base/errors.ts';
import { formatProblem } from '#spec/parse/problem.ts';
import type { ParsedSpecification } from '#spec/parse/parse-specification.ts';
import type { Specification } from '#spec/specification.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { agree } from './cluster/agree.ts';
import { fetchSpecification, type FetchedSpecification } from './cluster/fetch-specification.ts';
import { parseFetched } from './cluster/parse-fetched.ts';
import { parseFile } from './parse-file.ts';
import type { RunSource } from './run-specification.ts';
import { unheededFields } from './unheeded-fields.ts';

/** Reads a specification from a file, from standard input (`-`), or by its name from the cluster. */
export async function readSpecification(
  context: CliContext,
  typed: string,
  options: { /** What comes from the cluster may run here. */ readonly yes: boolean },
): Promise<RunSource> {
  if (!(await meansCluster(context, typed))) {
    const { parsed, text, fallbackName, directory } = await parseFile(context, typed, 'run');
    const specification = heeded(parsed);
    return { specification, document: text, name: fallbackName, directory };
  }
  const fetched = await fetchSpecification(context, typed);
  const { parsed, text } = parseFetched(context, fetched);
  const edit = `mend it there: kubectl edit ispec ${fetched.name} --namespace ${fetched.namespace}`;
  const specification = connectedWhereItIs(heeded(parsed, edit), fetched);
  await agree(context, fetched, specification, options);
  return { specification, document: text, name: fetched.name, directory: context.cwd };
}

/** Without a word of its own it means the namespace that it lies in. */
function connectedWhereItIs(
  specification: Specification,
  { context, namespace }: FetchedSpecification,
): Specification {
  const connections = specification.connections.map((one) => {
    const isSaid = [one.context, one.cluster, one.user].some((said) => said !== undefined);
    return Object.assign({}, one, isSaid ? {} : { context }, {
      namespace: one.namespace ?? (isSaid ? undefined : namespace),
    });
  });
  return { ...specification, connections };
}

/** A name of Kubernetes that no file has, and that has no extension of a file's. */
async function meansCluster({ cwd }: CliContext, typed: string): Promise<boolean> {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(typed)) return false;
  if (/\.(ya?ml|json)$/.test(typed)) return false;
  try {
    await stat(resolve(cwd, typed));
    return false;
  } catch (error) {
    return systemCode(error) === 'ENOENT';
  }
}

/** Throws all that is wrong with it, or the first that nobody would heed. */
function heeded(parsed: ParsedSpecification, hint?: string): Specification {
  if (!('specification' in parsed)) {
    const message = parsed.problems.map(formatProblem).join('\n');
    throw new CliError('Usage', message, hint === undefined ? {} : { hint });
  }
  const { specification, problemAt } = parsed;
  const [unheeded] = unheededFields(specification);
  if (unheeded !== undefined) {
    const { why, instead, intercept } = unheeded;
    const problem = problemAt(unheeded.path, `of intercept ${intercept} cannot be heeded: ${why}`);
    throw new CliError('Usage', formatProblem(problem), { hint: instead });
  }
  return specification;
}
