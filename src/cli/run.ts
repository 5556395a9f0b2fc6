import { toError } from '#base/errors.ts';
import type { CommandSpec } from './commands/command-spec.ts';
import { rootCommand } from './commands/registry.ts';
import type { CliContext } from './context.ts';
import { CliError } from './errors.ts';
import { commandHelp } from './output/help.ts';
import { parseLine } from './parse/parse-line.ts';
import { suggest } from '#base/suggest.ts';

/** What a shell expects of a program that Ctrl-C has ended. */
const interruptedExit = 130;

/** Runs one command line; prints its error, and returns its exit code. */
export async function runCli(context: CliContext, argv: readonly string[]): Promise<number> {
  let command = rootCommand;
  try {
    const found = findCommand(argv);
    ({ command } = found);
    if (found.help || command.commands !== undefined) {
      context.print(commandHelp(command));
      return 0;
    }
    const flags = command.flagGroups.flatMap((group) => group.flags);
    const line = parseLine(flags, command.positionals, found.rest);
    const run = await command.load();
    return await run(context, line);
  } catch (thrown) {
    return report(context, command, thrown);
  }
}

/** The command that the first words name, what follows them, and whether only its help is wanted. */
function findCommand(argv: readonly string[]): {
  readonly command: CommandSpec;
  readonly rest: readonly string[];
  readonly help: boolean;
} {
  const asked = argv[0] === 'help' ? argv.slice(1) : argv;
  let help = argv[0] === 'help';
  let command = rootCommand;
  let at = 0;
  while (command.commands !== undefined) {
    const word = asked[at];
    if (word === undefined) break;
    if (word === '-h' || word === '--help') {
      help = true;
      break;
    }
    command = childOf(command, word);
    at += 1;
  }
  const rest = asked.slice(at);
  const dashes = rest.indexOf('--');
  const own = dashes === -1 ? rest : rest.slice(0, dashes);
  return { command, rest, help: help || own.includes('--help') || own.includes('-h') };
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

function report(context: CliContext, { path }: CommandSpec, thrown: unknown): number {
  const name = ['telepresence', ...path].join(' ');
  const error = toError(context.signal.aborted ? context.signal.reason : thrown);
  const known = error instanceof CliError ? error : undefined;
  context.warn(`${name}: error: ${error.message}`);
  const hint = known?.hint ?? (known?.code === 'Usage' ? `see: ${name} --help` : undefined);
  if (hint !== undefined) context.warn(hint);
  return known?.code === 'Interrupted' ? interruptedExit : 1;
}
