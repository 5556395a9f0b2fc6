import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseAllDocuments, type Document } from 'yaml';
import { describe, systemCode } from '#base/errors.ts';
import { suggest } from '#base/suggest.ts';
import { valuePaths } from '#install/value-rows.ts';
import { isTree, parseValues, type ValueProblem, type Values } from '#install/values.ts';
import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { mergeValues, setValues, type ValueTree } from './set-value.ts';

interface Sources {
  readonly cwd: string;
  /** What comes by standard input. */
  readonly readInput: () => Promise<string>;
}

/** What the user gave, by Helm's precedence: files, --set-json, --set, --set-string, --set-file. */
export async function givenValues(line: ParsedLine, sources: Sources): Promise<ValueTree> {
  let values: ValueTree = {};
  for (const file of line.list('values')) {
    values = mergeValues(values, await readValuesFile(sources, file));
  }
  const read = async (path: string): Promise<string> =>
    await readNamed(sources, path, `file ${path} of --set-file`);
  for (const flag of ['set-json', 'set', 'set-string', 'set-file'] as const) {
    for (const said of line.list(flag)) await setValues(values, said, { flag, readFile: read });
  }
  return values;
}

/** Whether the line says anything about values. */
export function givesValues(line: ParsedLine): boolean {
  return ['values', 'set', 'set-string', 'set-json', 'set-file'].some((flag) => line.given(flag));
}

async function readValuesFile(sources: Sources, file: string): Promise<ValueTree> {
  const shown = file === '-' ? 'values from stdin' : `values file ${file}`;
  const said = await readNamed(sources, file, shown);
  const documents = parseAllDocuments(said);
  const [document, second] = documents;
  const error = document?.errors[0];
  if (error !== undefined) {
    const where = error.linePos?.[0];
    const place = where === undefined ? '' : `, line ${String(where.line)}`;
    throw new CliError('Failed', `${shown}${place}: not YAML: ${firstLine(error.message)}`, {
      cause: error,
      hint: 'a values file holds lines like "logLevel: debug"; telepresence helm lint checks it',
    });
  }
  if (second !== undefined) throw new CliError('Failed', `${shown}: it holds several documents`);
  const value = valueOf(document, shown);
  if (value === null || value === undefined) return {};
  if (isTree(value)) return { ...value };
  throw new CliError('Failed', `${shown}: it holds no keys`, {
    hint: 'a values file holds lines like "logLevel: debug"',
  });
}

/** An alias may stand for nothing, or for more than there is memory. */
function valueOf(document: Document.Parsed | undefined, shown: string): unknown {
  try {
    return document?.toJS();
  } catch (error) {
    throw new CliError('Failed', `${shown}: not YAML: ${firstLine(describe(error))}`, {
      cause: error,
    });
  }
}

async function readNamed(
  { cwd, readInput }: Sources,
  file: string,
  shown: string,
): Promise<string> {
  if (/^https?:\/\//.test(file)) {
    throw new CliError('Failed', `${shown}: it is not on this machine`, {
      hint: `fetch it first: curl -fsSL ${file} | telepresence helm … -f -`,
    });
  }
  try {
    return file === '-' ? await readInput() : await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new CliError(
      'Failed',
      `${shown}: ${missing ? 'there is no such file' : describe(error)}`,
      {
        cause: error,
        ...(missing ? { hint: `it is looked for in ${cwd}` } : {}),
      },
    );
  }
}

function firstLine(words: string): string {
  return words.replace(/( at line \d+.*)?:?\s*\n[^]*$/, '');
}

/** The values with all defaults and notes on what has no effect, or every problem. */
export function checkedValues(given: unknown): {
  readonly values: Values;
  readonly notes: readonly string[];
} {
  const parsed = parseValues(given);
  if (parsed.ok) return parsed;
  throw new CliError(
    'Failed',
    `these values cannot be used: ${parsed.problems.map(problemLine).join('; ')}`,
    { hint: 'all values: docs/helm-values.md' },
  );
}

/** One problem, with the value that was probably meant. */
export function problemLine({ path, message, unknown = false }: ValueProblem): string {
  const [meant] = unknown ? meantBy(path) : [];
  return `${path}: ${message}${meant === undefined ? '' : ` (${meant}?)`}`;
}

function meantBy(path: string): readonly string[] {
  const known = valuePaths();
  const key = (of: string): string => of.slice(of.lastIndexOf('.') + 1);
  const inside = path.slice(0, path.length - key(path).length);
  const siblings = known
    .filter((one) => one.startsWith(inside))
    .map((one) => {
      const rest = one.slice(inside.length);
      return rest.split('.')[0] ?? rest;
    });
  const near = suggest(key(path), [...new Set(siblings)]).map((name) => inside + name);
  // Right name, wrong place.
  return [...near, ...known.filter((one) => key(one) === key(path))];
}
