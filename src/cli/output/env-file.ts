/** A pod's environment in a file's syntax, and the names that the syntax cannot hold. */
export interface EnvText {
  readonly text: string;
  readonly left: readonly string[];
}

// What `docker run --env-file` reads: one NAME=VALUE a line, no quotes, no escapes. A line break in
// a value would end it and make names of the other lines; a name with blanks is refused, `#` is a comment.
const dockerName = /^[^\s=#][^\s=]*$/;

/** The environment as a file for `docker run --env-file`, sorted by name. */
export function dockerEnvFile(environment: Readonly<Record<string, string>>): EnvText {
  const entries = sorted(environment);
  const fits = ([name, value]: readonly [string, string]): boolean =>
    dockerName.test(name) && !/[\r\n\0]/.test(value);
  return {
    text: entries
      .filter(fits)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    left: entries.filter((entry) => !fits(entry)).map(([name]) => name),
  };
}

/** The environment as a JSON object, sorted by name. */
export function jsonEnvFile(environment: Readonly<Record<string, string>>): string {
  return `${JSON.stringify(Object.fromEntries(sorted(environment)), undefined, 2)}\n`;
}

function sorted(
  environment: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(environment).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
