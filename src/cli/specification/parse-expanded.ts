import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { parseSpecification, type ParsedSpecification } from '#spec/parse/parse-specification.ts';
import { expandTemplate } from '#spec/template/expand-template.ts';
import type { CliContext } from '../context.ts';

/** A specification as it was written. */
export interface WrittenSpecification {
  readonly written: string;
  /** As messages call it. */
  readonly file: string;
  readonly fallbackName: string;
  /** False of one that somebody else has put into a cluster: it does not read this machine. */
  readonly trusted: boolean;
}

/** Expands the templates of a specification and reads what comes out; places are those of the file. */
export function parseExpanded(
  { env, clock }: Pick<CliContext, 'env' | 'clock'>,
  { written, file, fallbackName, trusted }: WrittenSpecification,
): { readonly text: string; readonly parsed: ParsedSpecification } {
  const variables = Object.entries(env).filter((pair): pair is [string, string] => {
    return pair[1] !== undefined;
  });
  const expanded = expandTemplate(written, {
    data: { Telepresence: { Username: userInfo().username } },
    environment: new Map(variables),
    clock,
    random: randomBytes,
    trusted,
  });
  if (expanded.kind === 'failed') {
    const { line, column, at, message: why } = expanded;
    const message = at === undefined ? `template: ${why}` : `template: at <${at}>: ${why}`;
    return { text: written, parsed: { problems: [{ file, line, column, field: '', message }] } };
  }
  const { text, lines } = expanded;
  const lineInFile = (line: number): number => lines[line - 1] ?? lines.at(-1) ?? line;
  return { text, parsed: parseSpecification({ text, file, fallbackName, lineInFile }) };
}
