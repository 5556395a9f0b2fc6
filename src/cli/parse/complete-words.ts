import type { CommandSpec } from '../commands/command-spec.ts';
import type { Completes, FlagSpec } from './flag-spec.ts';
import { subcommandOf } from './subcommands.ts';

/** What the last word of a line can be. */
export interface Candidates {
  readonly of: Completes;
  /** Commands that the word can name, beside all that. */
  readonly commands?: readonly string[];
  /** What of the candidate is typed already. */
  readonly begun: string;
  /** What of the word stands before the candidate: `--flag=`, or a list's earlier values. */
  readonly before: string;
}

/** Reads the line as far as it is typed; its last word is the one to be completed. */
export function completeWords(root: CommandSpec, words: readonly string[]): Candidates {
  const last = words.at(-1) ?? '';
  let command = root;
  let awaited: FlagSpec | undefined;
  let typed = 0;
  for (const word of words.slice(0, -1)) {
    if (word === '--') return { of: 'file', begun: last, before: '' };
    if (awaited !== undefined) {
      awaited = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const flag = flagOf(command, word);
      awaited =
        flag === undefined || flag.kind === 'switch' || word.includes('=') ? undefined : flag;
      continue;
    }
    const inside =
      command.commands?.find(({ path }) => path.at(-1) === word) ??
      (typed === 0 ? subcommandOf(command, word) : undefined);
    if (inside === undefined) typed += 1;
    else command = inside;
  }
  if (awaited !== undefined) return valueOf(awaited, last, '');
  const equals = last.indexOf('=');
  if (last.startsWith('--') && equals > 0) {
    const flag = flagOf(command, last);
    const before = last.slice(0, equals + 1);
    return flag === undefined
      ? { of: [], begun: last, before: '' }
      : valueOf(flag, last.slice(equals + 1), before);
  }
  if (last.startsWith('-')) return { of: flagWords(command), begun: last, before: '' };
  const { commands, subcommands } = command;
  if (commands !== undefined) return { of: namesOf(commands), begun: last, before: '' };
  const of = command.positionals.complete ?? [];
  if (subcommands === undefined || typed > 0) return { of, begun: last, before: '' };
  return { of, commands: namesOf(subcommands), begun: last, before: '' };
}

function namesOf(commands: readonly CommandSpec[]): readonly string[] {
  return commands.filter(({ hidden }) => hidden !== true).map(({ path }) => path.at(-1) ?? '');
}

/** Of a list's values only the last is being typed. */
function valueOf(
  { kind, value, complete = value === 'file' || value === 'folder' ? 'file' : [] }: FlagSpec,
  typed: string,
  before: string,
): Candidates {
  const comma = kind === 'csv' ? typed.lastIndexOf(',') + 1 : 0;
  return { of: complete, begun: typed.slice(comma), before: before + typed.slice(0, comma) };
}

function flagOf(command: CommandSpec, word: string): FlagSpec | undefined {
  const [typed = ''] = word.split('=');
  return flagsOf(command).find(
    ({ name, short }) => typed === `--${name}` || (short !== undefined && typed === `-${short}`),
  );
}

function flagsOf({ flagGroups }: CommandSpec): readonly FlagSpec[] {
  return flagGroups.flatMap(({ flags }) => flags);
}

function flagWords(command: CommandSpec): readonly string[] {
  return flagsOf(command)
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ name, short }) =>
      short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`],
    );
}
