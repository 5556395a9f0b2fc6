import { CliError } from '../errors.ts';

/** How a program that reads our output wants it. */
export const formats = ['json', 'yaml', 'json-stream'] as const;
export type Format = (typeof formats)[number];

/** A format, and whether the result comes in the envelope `{cmd, stdout, stderr, err}`. */
export interface WantedFormat {
  readonly format: Format;
  readonly envelope: boolean;
}

/**
 * What `--output` (or `--format`, the same without an envelope) says. Looked for before anything
 * else is read, because what is wrong with the rest is to be said in this format too. Words of
 * another program are not in `own`.
 */
export function wantedFormat(own: readonly string[]): WantedFormat | undefined {
  for (const [index, word] of own.entries()) {
    const match = /^--(output|format)(?:=(.*))?$/s.exec(word);
    if (match === null) continue;
    const value = match[2] ?? own[index + 1] ?? '';
    if (value === 'default' && match[1] === 'output') return undefined;
    const format = formats.find((each) => each === value);
    if (format !== undefined) return { format, envelope: match[1] === 'output' };
    const known = match[1] === 'output' ? ['default', ...formats] : formats;
    throw new CliError(
      'Usage',
      `invalid argument "${value}" for "--${match[1] ?? ''}": one of ${known.join(', ')}`,
    );
  }
  const isOldStatus = own[0] === 'status' && own.some((word) => /^(-j|--json)$/.test(word));
  return isOldStatus ? { format: 'json', envelope: true } : undefined;
}
