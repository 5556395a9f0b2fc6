import { toError } from '#base/errors.ts';
import type { CommandSpec } from './commands/command-spec.ts';
import { rootCommand } from './commands/registry.ts';
import type { CliContext } from './context.ts';
import { onPlatform } from './daemon/daemon-place.ts';
import { CliError } from './errors.ts';
import { wantedFormat } from './output/format.ts';
import type { FormattedOutput } from './output/formatted.ts';
import { commandHelp } from './output/help.ts';
import { earlyFlags, findCommand, type FoundCommand } from './parse/find-command.ts';
import { ownWords } from './parse/own-words.ts';
import type { FlagSpec, ParsedLine } from './parse/flag-spec.ts';
import { parseLine } from './parse/parse-line.ts';
import { meantSubcommand } from './parse/subcommands.ts';

/** What a shell expects of a program that Ctrl-C has ended. */
const interruptedExit = 130;

/** Runs one command line; prints its error, and returns its exit code. */
export async function runCli(context: CliContext, argv: readonly string[]): Promise<number> {
  let command = rootCommand;
  let formatted: FormattedOutput | undefined;
  try {
    const format = wantedFormat(ownWords(rootCommand, argv, earlyFlags));
    const found = attempt(() => findCommand(rootCommand, argv));
    if ('value' in found) ({ command } = found.value);
    if (format !== undefined) {
      const { formattedOutput } = await import('./output/formatted.ts');
      formatted = await formattedOutput(context, { ...format, cmd: nameOf(command) });
    }
    if ('error' in found) throw found.error;
    const code = await run(formatted?.context ?? context, found.value);
    formatted?.finish();
    return code;
  } catch (thrown) {
    return report(context, { command, formatted }, thrown);
  }
}

async function run(context: CliContext, found: FoundCommand): Promise<number> {
  const { command } = found;
  if (found.help || command.commands !== undefined) {
    context.print(commandHelp(command));
    return 0;
  }
  const flags = command.flagGroups.flatMap((group) => group.flags);
  const typed = readLine(command, flags, found.rest);
  const line = onPlatform(typed, context.places.platform);
  const start = await command.load();
  return await start({ ...context, use: line.text('use') }, line);
}

function readLine(
  command: CommandSpec,
  flags: readonly FlagSpec[],
  words: readonly string[],
): ParsedLine {
  try {
    return parseLine(flags, command.positionals, words);
  } catch (error) {
    const meant = meantSubcommand(command, words);
    if (!(error instanceof CliError) || error.hint !== undefined || meant === undefined)
      throw error;
    const hint = `did you mean: telepresence ${meant.path.join(' ')}`;
    throw new CliError(error.code, error.message, { cause: error, hint });
  }
}

function attempt<T>(run: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

function nameOf({ path }: CommandSpec): string {
  return path.at(-1) ?? 'telepresence';
}

function report(
  context: CliContext,
  where: { readonly command: CommandSpec; readonly formatted: FormattedOutput | undefined },
  thrown: unknown,
): number {
  const name = ['telepresence', ...where.command.path].join(' ');
  const error = toError(context.signal.aborted ? context.signal.reason : thrown);
  const known = error instanceof CliError ? error : undefined;
  const hint = known?.hint ?? (known?.code === 'Usage' ? `see: ${name} --help` : undefined);
  if (where.formatted === undefined) {
    context.warn(`${name}: error: ${error.message}`);
    if (hint !== undefined) context.warn(hint);
  } else where.formatted.finish({ message: error.message, hint });
  return known?.code === 'Interrupted' ? interruptedExit : 1;
}
