// How each language writes a text so that it reads the same text. What none can write is left to
// the rules of env-syntax.ts.

/** POSIX shells: only a single quote ends what is in single quotes. */
export function shQuoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** csh looks for `!` in single quotes too, and needs a backslash before a line break. */
export function cshQuoted(value: string): string {
  return shQuoted(value).replaceAll('!', '\\!').replaceAll('\n', '\\\n');
}

/** PowerShell takes typographic single quotes for single quotes; each is written twice. */
export function psQuoted(value: string): string {
  return `'${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`;
}

/**
 * A dotenv file as compose reads it. In single quotes all is itself but a single quote, a backslash
 * before one, and the carriage return of a line's end; in double quotes each has an escape.
 */
export function composeQuoted(value: string): string {
  if (!/['\\\r]/.test(value)) return `'${value}'`;
  const escaped = value
    .replaceAll(/[\\"]/g, '\\$&')
    .replaceAll('$', '$$$$')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

/**
 * A line of cmd: `set` takes what is between the first quote and the last one. Every quote between
 * them turns the meaning of `&|<>()^` off or on, so where it is on they have a caret. A percent sign
 * is written twice, as in every batch file.
 */
export function cmdLine(name: string, value: string): string {
  let quoted = true;
  let written = '';
  for (const character of value) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && '&|<>()^'.includes(character)) written += '^';
    written += character === '%' ? '%%' : character;
  }
  return `@set "${name}=${written}"`;
}
