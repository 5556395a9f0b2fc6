import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { describe } from '#base/errors.ts';
import { parseValues, type Values } from '#install/values.ts';
import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { isTree, mergeValues, setValues, type ValueTree } from './set-value.ts';

/** What the user gave: files first, `--set` over them. */
export async function givenValues(line: ParsedLine, cwd: string): Promise<ValueTree> {
  let values: ValueTree = {};
  for (const file of line.list('values')) {
    values = mergeValues(values, await readValuesFile(resolve(cwd, file), file));
  }
  for (const text of line.list('set')) setValues(values, text);
  return values;
}

async function readValuesFile(path: string, shown: string): Promise<ValueTree> {
  try {
    const value: unknown = parse(await readFile(path, 'utf8'));
    if (value === null || value === undefined) return {};
    if (isTree(value)) return value;
  } catch (error) {
    throw new CliError('Failed', `values file ${shown}: ${describe(error)}`, { cause: error });
  }
  throw new CliError('Failed', `values file ${shown}: it holds no keys`);
}

/** The values with all defaults, or the problems in one sentence. */
export function checkedValues(given: ValueTree): Values {
  const parsed = parseValues(given);
  if (parsed.ok) return parsed.values;
  throw new CliError('Failed', `these values cannot be used: ${parsed.problems.join('; ')}`);
}
