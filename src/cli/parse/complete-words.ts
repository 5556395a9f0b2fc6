import type { CommandSpec } from '../commands/command-spec.ts';
import type { Completes, FlagSpec } from './flag-spec.ts';

/** What the last word of a line can be. */
export interface Candidates {
  readonly of: Completes;
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
    command = command.commands?.find(({ path }) => path.at(-1) === word) ?? command;
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
  const { commands } = command;
  if (commands !== undefined) {
    const names = commands
      .filter(({ hidden }) => hidden !== true)
      .map(({ path }) => path.at(-1) ?? '');
    return { of: names, begun: last, before: '' };
  }
  return { of: command.positionals.complete ?? [], begun: last, before: '' };
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
