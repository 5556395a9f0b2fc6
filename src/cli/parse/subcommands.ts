import { suggest } from '#base/suggest.ts';
import type { CommandSpec } from '../commands/command-spec.ts';
import type { FlagSpec } from './flag-spec.ts';

/** The command under another that also runs by itself, where `word` is its name. */
export function subcommandOf(
  { subcommands = [] }: CommandSpec,
  word: string | undefined,
): CommandSpec | undefined {
  return subcommands.find(({ path }) => path.at(-1) === word);
}

/** The subcommand that somebody may have meant by the first of a command's words. */
export function meantSubcommand(
  command: CommandSpec,
  words: readonly string[],
): CommandSpec | undefined {
  const at = firstWord(command, words, []);
  if (at === undefined) return undefined;
  const names = (command.subcommands ?? []).map(({ path }) => path.at(-1) ?? '');
  const [near] = suggest(words[at] ?? '', names);
  return subcommandOf(command, near);
}

/** Where the first word stands that is neither a flag of the command nor the value of one. */
export function firstWord(
  command: CommandSpec,
  words: readonly string[],
  early: readonly FlagSpec[],
): number | undefined {
  let isValue = false;
  for (const [at, word] of words.entries()) {
    if (isValue) isValue = false;
    else if (word === '--') return undefined;
    else if (word.startsWith('-') && word !== '-') {
      const flag = flagNamed(command, early, word);
      isValue = flag !== undefined && flag.kind !== 'switch' && !word.includes('=');
    } else return at;
  }
  return undefined;
}

/** The flag that a word of the line is, of the command or, of a group, of those before its name. */
export function flagNamed(
  command: CommandSpec,
  early: readonly FlagSpec[],
  word: string,
): FlagSpec | undefined {
  const [typed = ''] = word.split('=');
  const flags = command.flagGroups.flatMap((group) => group.flags);
  return [...flags, ...(command.commands === undefined ? [] : early)].find(
    ({ name, short }) => typed === `--${name}` || (short !== undefined && typed === `-${short}`),
  );
}
