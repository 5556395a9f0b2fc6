import { CliError } from '../errors.ts';

/** Flags of `docker compose` itself, by what they are for. */
export interface ComposeWords {
  /** For whoever reads the user's own files: all of them. */
  readonly reading: readonly string[];
  /** For whoever runs the copy, in which the files are read already. */
  readonly running: readonly string[];
  /** `--project-directory`. */
  readonly directory: string | undefined;
  /** Whether they name files of the project. */
  readonly hasFile: boolean;
}

/** Their one-letter names. */
const short: Readonly<Record<string, string>> = { f: 'file', p: 'project-name' };
/** What they say is in the copy, or is said of the copy by ourselves. */
const resolved = new Set(
  'file project-name project-directory workdir profile env-file no-interpolate compatibility'.split(
    ' ',
  ),
);
/** Those that take a value. */
const valued = new Set(
  'file project-name project-directory workdir profile env-file ansi progress parallel'.split(' '),
);

/** Takes `options` of the specification apart. */
export function readComposeWords(options: readonly string[]): ComposeWords {
  const running: string[] = [];
  let directory: string | undefined;
  let hasFile = false;
  const left = [...options];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const { name, value } = flagOf(word);
    if (name === 'dry-run') {
      throw bad(word, 'telepresence intercept run --dry-run shows the copy that would run');
    }
    const given = value ?? (valued.has(name) ? left.shift() : undefined);
    if (valued.has(name) && given === undefined) throw bad(word, 'it needs a value');
    if (name === 'file') hasFile = true;
    if (name === 'project-directory' || name === 'workdir') directory = given;
    if (resolved.has(name)) continue;
    running.push(given === undefined ? `--${name}` : `--${name}=${given}`);
  }
  // Its lines are shown among others: nothing can be drawn over what was said before.
  const isSaid = running.some((word) => word.startsWith('--ansi'));
  return {
    reading: options,
    running: isSaid ? running : [...running, '--ansi=never'],
    directory,
    hasFile,
  };
}

function flagOf(word: string): { readonly name: string; readonly value: string | undefined } {
  const long = /^--([a-z-]+)(?:=(.*))?$/s.exec(word);
  if (long !== null) return { name: long[1] ?? '', value: long[2] };
  const [, letter = '', value] = /^-([a-z])=?(.+)?$/s.exec(word) ?? [];
  const name = short[letter];
  if (name !== undefined) return { name, value };
  throw bad(
    word,
    'options are flags of docker compose itself; those of docker compose up are args',
  );
}

function bad(word: string, hint: string): CliError {
  return new CliError('Usage', `docker.options of a Compose handler: "${word}" is not possible`, {
    hint,
  });
}

/** `args` are flags of `docker compose up`, which stays in the foreground and starts all that is left. */
export function checkUpWords(args: readonly string[]): void {
  const wrong = args.find((word) =>
    /^(-d|--detach|--wait|--no-start|--dry-run|-w|--watch)(=|$)/.test(word),
  );
  if (wrong === undefined) return;
  throw new CliError('Usage', `docker.args of a Compose handler: ${wrong} is not possible`, {
    hint: /watch|^-w/.test(wrong)
      ? 'leave it out: what a service says below develop.watch is watched'
      : 'leave it out: the services run in the foreground until the run ends',
  });
}
