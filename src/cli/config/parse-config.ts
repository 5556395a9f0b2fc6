import * as v from 'valibot';
import { describe } from '#base/errors.ts';
import { parsePlacedYaml, type PlacedYaml } from '#kube/placed-yaml.ts';
import {
  noteSentence,
  settingNotes,
  settingPaths,
  stepsOf,
  withoutNulls,
  type SettingNote,
} from '#protocol/check-settings.ts';
import { otherSettings } from '#protocol/other-settings.ts';
import { wanted } from '#protocol/setting-shapes.ts';
import { CliError } from '../errors.ts';
import { configSchema } from './config-schema.ts';

/** Something that is not heeded, and where it stands. */
export interface ConfigNote {
  readonly file: string;
  readonly note: SettingNote;
  readonly sentence: string;
}

interface Parsed {
  readonly typed: unknown;
  readonly notes: readonly ConfigNote[];
}

/** Reads one `config.yml`: what is wrong is refused by its line, what nobody heeds is noted. */
export function parseConfig(path: string, text: string): Parsed {
  const { value, lineOf } = placed(path, text);
  const placeOf = (at: readonly (string | number)[]): string => {
    const line = lineOf(at);
    return line === undefined ? path : `${path}, line ${String(line)}`;
  };
  const typed = withoutNulls(value) ?? {};
  const parsed = v.safeParse(configSchema, typed);
  const wrong = (parsed.issues ?? []).map((issue) => {
    const where = v.getDotPath(issue);
    return `${placeOf(stepsOf(issue))}: ${where === null ? '' : `${where}: `}${wanted(issue)} expected`;
  });
  const notes = settingNotes(value, { heeded: settingPaths(configSchema), other: otherSettings });
  const said = notes.map((note) => ({
    file: path,
    note,
    sentence: noteSentence(note, placeOf(note.at)),
  }));
  wrong.push(...said.filter(({ note }) => note.kind === 'wrong').map(({ sentence }) => sentence));
  if (wrong.length > 0) throw bad(wrong.join('; '), undefined);
  return { typed, notes: said };
}

/** One file's settings over another's; lists are not joined. */
export function laidOver(under: unknown, over: unknown): unknown {
  if (!isTree(under) || !isTree(over)) return over;
  const merged = new Map(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    merged.set(name, laidOver(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

function placed(path: string, text: string): PlacedYaml {
  try {
    return parsePlacedYaml(text);
  } catch (error) {
    throw bad(`${path}: ${describe(error).replace(/:?\n.*/s, '')}`, error);
  }
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string, cause: unknown): CliError {
  return new CliError('Usage', message, { cause, hint: 'mend that file, or remove it' });
}
