import type { CommandSpec } from '../commands/command-spec.ts';
import { globalFlags } from '../commands/specs/shared-flags.ts';
import { kubeFlags } from '../commands/kube-flag-specs.ts';
import { CliError } from '../errors.ts';
import type { FlagSpec } from './flag-spec.ts';
import { ownWords } from './own-words.ts';
import { firstWord, subcommandOf } from './subcommands.ts';
import { suggest } from '#base/suggest.ts';

/** The command that the first words name, what follows them, and whether only its help is wanted. */
export interface FoundCommand {
  readonly command: CommandSpec;
  readonly rest: readonly string[];
  readonly help: boolean;
}

/** Flags that may stand before the command's name, where they always might. */
export const earlyFlags: readonly FlagSpec[] = [...globalFlags.flags, ...kubeFlags];

/** Finds the command of a line; fails where there is none of that name. */
export function findCommand(root: CommandSpec, argv: readonly string[]): FoundCommand {
  const asked = argv[0] === 'help' ? argv.slice(1) : argv;
  let help = argv[0] === 'help';
  let command = root;
  let at = 0;
  const before: string[] = [];
  while (command.commands !== undefined) {
    const word = asked[at];
    if (word === undefined) break;
    if (word === '-h' || word === '--help') {
      help = true;
      break;
    }
    const flag = word.startsWith('-') ? earlyFlag(word) : undefined;
    if (flag === undefined) {
      command = childOf(command, word);
      at += 1;
      continue;
    }
    const length = flag.kind === 'switch' || word.includes('=') ? 1 : 2;
    before.push(...asked.slice(at, at + length));
    at += length;
  }
  const after = asked.slice(at);
  const inside = subcommandIn(command, after);
  if (inside !== undefined) ({ command } = inside);
  const rest = [...before, ...(inside?.rest ?? after)];
  const own = ownWords(command, rest, earlyFlags);
  return { command, rest, help: help || own.includes('--help') || own.includes('-h') };
}

/** The subcommand that the first of a command's words names, and the words without that one. */
function subcommandIn(
  command: CommandSpec,
  words: readonly string[],
): { readonly command: CommandSpec; readonly rest: readonly string[] } | undefined {
  const at = firstWord(command, words, earlyFlags);
  const found = at === undefined ? undefined : subcommandOf(command, words[at]);
  return found && at !== undefined ? { command: found, rest: words.toSpliced(at, 1) } : undefined;
}

function earlyFlag(word: string): FlagSpec | undefined {
  const [typed = ''] = word.split('=');
  return earlyFlags.find(
    ({ name, short }) => typed === `--${name}` || typed === `-${short ?? '-'}`,
  );
}

function childOf(parent: CommandSpec, word: string): CommandSpec {
  const children = parent.commands ?? [];
  const found = children.find(({ path }) => path.at(-1) === word);
  if (found !== undefined) return found;
  const shown = ['telepresence', ...parent.path].join(' ');
  if (word.startsWith('-')) {
    throw new CliError('Usage', `unknown flag: ${word}`, { hint: `see: ${shown} --help` });
  }
  const near = suggest(
    word,
    children.filter(({ hidden }) => hidden !== true).map(({ path }) => path.at(-1) ?? ''),
  );
  throw new CliError('Usage', `invalid subcommand "${word}"`, {
    hint: near.length === 0 ? `see: ${shown} --help` : `did you mean: ${shown} ${near[0] ?? ''}`,
  });
}
