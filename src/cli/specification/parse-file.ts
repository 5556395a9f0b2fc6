import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { nameOfFile } from '#spec/name-of-file.ts';
import type { ParsedSpecification } from '#spec/parse/parse-specification.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { parseExpanded } from './parse-expanded.ts';

/** A specification's file, as it was read. */
export interface SpecificationFile {
  /** As messages call it. */
  readonly file: string;
  readonly fallbackName: string;
  /** What relative paths in it start from. */
  readonly directory: string;
  /** Its text, with templates expanded. */
  readonly text: string;
  readonly parsed: ParsedSpecification;
}

/** Reads a specification from the file that was typed, or from standard input (`-`). */
export async function parseFile(
  context: CliContext,
  typed: string,
  command: 'run' | 'validate',
): Promise<SpecificationFile> {
  const isInput = typed === '-';
  const file = isInput ? '<stdin>' : typed;
  const path = resolve(context.cwd, typed);
  const fallbackName = isInput ? 'stdin' : nameOfFile(path);
  const written = isInput ? await context.readInput() : await readText(path, typed, command);
  const { text, parsed } = parseExpanded(context, { written, file, fallbackName });
  return { file, fallbackName, directory: isInput ? context.cwd : dirname(path), text, parsed };
}

async function readText(path: string, typed: string, command: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('Usage', `${typed}: ${whyNot(error)}`, {
      cause: error,
      hint: `it is: telepresence intercept ${command} FILE, where FILE is an Intercept Specification, or - for standard input`,
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
