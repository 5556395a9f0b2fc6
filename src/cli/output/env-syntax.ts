import { dockerEnvFile, type EnvText } from './env-file.ts';

/** How a file can say what an environment is. */
export const envSyntaxes = [
  'docker',
  'compose',
  'sh',
  'sh:export',
  'csh',
  'csh:export',
  'cmd',
  'ps',
  'ps:export',
] as const;
export type EnvSyntax = (typeof envSyntaxes)[number];

/** The environment in a syntax, sorted by name, and the names that it cannot hold. */
export function envText(syntax: EnvSyntax, environment: Readonly<Record<string, string>>): EnvText {
  if (syntax === 'docker') return dockerEnvFile(environment);
  const rule = rules[syntax];
  const entries = Object.entries(environment).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  const fits = ([name, value]: readonly [string, string]): boolean =>
    (rule.name ?? shellName).test(name) && !(rule.refuse ?? /\0/).test(value);
  return {
    text: entries
      .filter(fits)
      .map(([name, value]) => `${rule.line(name, value)}\n`)
      .join(''),
    left: entries.filter((entry) => !fits(entry)).map(([name]) => name),
  };
}

interface Rule {
  readonly line: (name: string, value: string) => string;
  /** Names that can be said; a shell's own rule where left out. */
  readonly name?: RegExp;
  /** Values that cannot. */
  readonly refuse?: RegExp;
}

const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/;

// In POSIX only a single quote ends a single-quoted word.
const sh = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
// csh looks for `!` even in single quotes, and needs a backslash before a line break.
const csh = (value: string): string =>
  `'${value.replaceAll("'", `'\\''`).replaceAll('!', '\\!').replaceAll('\n', '\\\n')}'`;
const ps = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const rules: Readonly<Record<Exclude<EnvSyntax, 'docker'>, Rule>> = {
  // A dotenv file as compose reads it: in single quotes everything but a single quote is itself.
  compose: {
    line: (name, value) => `${name}=${/['\\]/.test(value) ? composeQuoted(value) : `'${value}'`}`,
  },
  sh: { line: (name, value) => `${name}=${sh(value)}` },
  'sh:export': { line: (name, value) => `export ${name}=${sh(value)}` },
  csh: { line: (name, value) => `set ${name}=${csh(value)}` },
  'csh:export': { line: (name, value) => `setenv ${name} ${csh(value)}` },
  // Nothing quotes a line break there; a percent sign is written twice.
  cmd: {
    line: (name, value) => `set "${name}=${value.replaceAll('%', '%%')}"`,
    refuse: /[\r\n\0"]/,
  },
  ps: { line: (name, value) => `$${name}=${ps(value)}` },
  'ps:export': { line: (name, value) => `$Env:${name}=${ps(value)}` },
};

function composeQuoted(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('$', '$$$$')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
