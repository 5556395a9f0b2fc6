import { cmdLine, composeQuoted, cshQuoted, psQuoted, shQuoted } from './env-quotes.ts';

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

/** A pod's environment in a file's syntax, and the names that the syntax cannot hold. */
export interface EnvText {
  readonly text: string;
  readonly left: readonly string[];
}

interface Rule {
  readonly line: (name: string, value: string) => string;
  /** Names that can be said; a shell's own rule where left out. */
  readonly name?: RegExp;
  /** What no value may have in it. */
  readonly refuse?: readonly string[];
  /** How many bytes a line may have, its end included. */
  readonly longest?: number;
  readonly end?: string;
  /** What says that the file is UTF-8, where readers take it for something else. */
  readonly marksUtf8?: string;
  /** Two names that differ in case are one there. */
  readonly ignoresCase?: boolean;
}

/** The environment in a syntax, sorted by name, and the names that it cannot hold. */
export function envText(syntax: EnvSyntax, environment: Readonly<Record<string, string>>): EnvText {
  const { name: fits = shellName, refuse = ['\0'], ...rule } = rules[syntax];
  const { end = '\n', marksUtf8 = '', longest = Number.POSITIVE_INFINITY, ignoresCase } = rule;
  const left: string[] = [];
  const said = new Set<string>();
  let text = '';
  for (const [name, value] of sorted(environment)) {
    const one = ignoresCase === true ? name.toLowerCase() : name;
    const can = fits.test(name) && !refuse.some((character) => value.includes(character));
    const line = can ? rule.line(name, value) + end : '';
    if (line === '' || said.has(one) || Buffer.byteLength(line) > longest) left.push(name);
    else {
      text += line;
      said.add(one);
    }
  }
  const isAscii = Buffer.byteLength(text) === text.length;
  return { text: isAscii ? text : marksUtf8 + text, left };
}

/** The environment as a JSON object, sorted by name. */
export function jsonEnvFile(environment: Readonly<Record<string, string>>): string {
  return `${JSON.stringify(Object.fromEntries(sorted(environment)), undefined, 2)}\n`;
}

const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const byteOrderMark = '\uFEFF';

// bash fails when it is given one of these, zsh becomes another user: neither is to have it.
const readOnlyInShells = /^(UID|EUID|GID|EGID|USERNAME|PPID|SHELLOPTS|BASHOPTS|BASH_VERSINFO)$/;
const shLine = (name: string, assignment: string): string =>
  readOnlyInShells.test(name)
    ? `[ -z "\${ZSH_VERSION-}" ] && (${name}=) 2>/dev/null && ${assignment} || :`
    : assignment;

// Read-only or constant in PowerShell, whose names have no case (about_Automatic_Variables).
const psName =
  /^(?!(?:consolefilename|enabledexperimentalfeatures|error|executioncontext|false|home|host|iscoreclr|islinux|ismacos|iswindows|null|pid|psculture|psedition|pshome|psuiculture|psversiontable|shellid|true)$)[a-z_][a-z0-9_]*$/i;

const rules: Readonly<Record<EnvSyntax, Rule>> = {
  // What `docker run --env-file` reads: one NAME=VALUE a line, no quotes, no escapes. A line break in
  // a value would end it and make names of the other lines; a name with blanks is refused, `#` is a
  // comment. It reads no line that is longer.
  docker: {
    line: (name, value) => `${name}=${value}`,
    name: /^(?!#)[!-<>-~]+$/,
    refuse: ['\r', '\n', '\0'],
    longest: 65_536,
  },
  compose: { line: (name, value) => `${name}=${composeQuoted(value)}` },
  sh: { line: (name, value) => shLine(name, `${name}=${shQuoted(value)}`) },
  'sh:export': { line: (name, value) => shLine(name, `export ${name}=${shQuoted(value)}`) },
  csh: { line: (name, value) => `set ${name}=${cshQuoted(value)}` },
  'csh:export': { line: (name, value) => `setenv ${name} ${cshQuoted(value)}` },
  cmd: {
    line: cmdLine,
    // Nothing quotes a line break there, and Ctrl-Z ends a batch file.
    refuse: ['\r', '\n', '\0', '\x1A'],
    longest: 8191,
    end: '\r\n',
    marksUtf8: '@chcp 65001 > nul\r\n',
    ignoresCase: true,
  },
  ps: {
    line: (name, value) => `$${name}=${psQuoted(value)}`,
    name: psName,
    marksUtf8: byteOrderMark,
    ignoresCase: true,
  },
  'ps:export': {
    line: (name, value) => `$Env:${name}=${psQuoted(value)}`,
    marksUtf8: byteOrderMark,
    ignoresCase: true,
  },
};

function sorted(
  environment: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(environment).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
