import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { parseSpecification, type ParsedSpecification } from '#spec/parse/parse-specification.ts';
import {
  expandTemplate,
  type Expansion,
  type TemplateOptions,
} from '#spec/template/expand-template.ts';
import type { CliContext } from '../context.ts';

/** A specification as it was written. */
export interface WrittenSpecification {
  readonly written: string;
  /** As messages call it. */
  readonly file: string;
  readonly fallbackName: string;
}

/** Expands texts as a specification on this machine has them expanded. */
export function templateExpander(
  { env, clock }: Pick<CliContext, 'env' | 'clock'>,
  more: Pick<TemplateOptions, 'trusted' | 'budget'>,
): (text: string) => Expansion {
  const variables = Object.entries(env).filter((pair): pair is [string, string] => {
    return pair[1] !== undefined;
  });
  const options: TemplateOptions = {
    data: { Telepresence: { Username: userInfo().username } },
    environment: new Map(variables),
    clock,
    random: randomBytes,
    ...more,
  };
  return (text) => expandTemplate(text, options);
}

/** Expands the templates of a specification's file and reads what comes out; places are those of the file. */
export function parseExpanded(
  context: Pick<CliContext, 'env' | 'clock'>,
  { written, file, fallbackName }: WrittenSpecification,
): { readonly text: string; readonly parsed: ParsedSpecification } {
  const expanded = templateExpander(context, { trusted: true })(written);
  if (expanded.kind === 'failed') {
    const { line, column, at, message: why } = expanded;
    const message = at === undefined ? `template: ${why}` : `template: at <${at}>: ${why}`;
    return { text: written, parsed: { problems: [{ file, line, column, field: '', message }] } };
  }
  const { text, lines } = expanded;
  const lineInFile = (line: number): number => lines[line - 1] ?? lines.at(-1) ?? line;
  return { text, parsed: parseSpecification({ text, file, fallbackName, lineInFile }) };
}
