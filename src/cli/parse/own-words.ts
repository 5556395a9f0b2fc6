import type { CommandSpec } from '../commands/command-spec.ts';
import type { FlagSpec } from './flag-spec.ts';
import { flagNamed, subcommandOf } from './subcommands.ts';

/**
 * The part of a line that is ours to read: all of it, or up to where another program's words begin, after
 * `--`, after the first word too many that is an image, or right after a command that hands all on.
 * A `--help` or `--output` among those is not meant for us.
 */
export function ownWords(
  root: CommandSpec,
  argv: readonly string[],
  early: readonly FlagSpec[],
): readonly string[] {
  let command = root;
  let isValue = false;
  let hasBegun = false;
  let words = 0;
  for (const [at, word] of argv.entries()) {
    if (isValue) {
      isValue = false;
      continue;
    }
    if (word === '--') return argv.slice(0, at);
    const { names, handsOn = false, commandAfter = [] } = command.positionals;
    if (word.startsWith('-') && word !== '-') {
      const flag = flagNamed(command, early, word);
      if (flag === undefined && handsOn) return argv.slice(0, at);
      isValue = flag !== undefined && flag.kind !== 'switch' && !word.includes('=');
      if (flag !== undefined && commandAfter.includes(flag.name)) hasBegun = true;
      continue;
    }
    if (command.commands !== undefined) {
      command = command.commands.find(({ path }) => path.at(-1) === word) ?? command;
      continue;
    }
    const inside = words === 0 ? subcommandOf(command, word) : undefined;
    if (inside !== undefined) {
      command = inside;
      continue;
    }
    words += 1;
    if (words > names.length && (hasBegun || handsOn)) return argv.slice(0, at);
  }
  return argv;
}
