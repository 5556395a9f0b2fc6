import * as v from 'valibot';
import { suggest } from '#base/suggest.ts';
import { wanted } from './setting-shapes.ts';

/** A setting that Telepresence has elsewhere, and why it has no meaning here. */
export interface OtherSetting {
  readonly path: string;
  readonly shape: v.GenericSchema;
  readonly reason: string;
}

/** What a reader of settings should know of one that stands there. */
export type SettingNote = { readonly at: readonly string[]; readonly path: string } & (
  | { readonly kind: 'unknown'; readonly meant: string | undefined }
  | { readonly kind: 'meaningless'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly wanted: string }
);

interface Known {
  /** Settings that are heeded: whoever heeds them checks them. */
  readonly heeded: readonly string[];
  readonly other: readonly OtherSetting[];
}

/** Everything in `typed` that is misspelt, has no meaning, or has none and is wrong besides. */
export function settingNotes(typed: unknown, known: Known): readonly SettingNote[] {
  const heeded = new Set(known.heeded);
  const other = new Map(known.other.map((one) => [one.path, one]));
  const paths = [...heeded, ...other.keys()];
  const groups = new Set(paths.flatMap(groupsAbove));
  const inside = (tree: object, above: readonly string[]): SettingNote[] =>
    Object.entries(tree).flatMap(([name, value]): SettingNote[] => {
      const at = [...above, name];
      const path = at.join('.');
      if (heeded.has(path)) return [];
      const one = other.get(path);
      if (one !== undefined) return value === null ? [] : [noteOf(one, at, value)];
      if (!groups.has(path)) return [{ kind: 'unknown', at, path, meant: meantBy(at, paths) }];
      if (isTree(value)) return inside(value, at);
      if (value === null) return [];
      // Whoever heeds something in a group checks that it is none of text; a list passes for a group.
      const checked = known.heeded.some((each) => each.startsWith(`${path}.`));
      return checked && !Array.isArray(value)
        ? []
        : [{ kind: 'wrong', at, path, wanted: 'object' }];
    });
  if (isTree(typed)) return inside(typed, []);
  return Array.isArray(typed) ? [{ kind: 'wrong', at: [], path: '', wanted: 'object' }] : [];
}

/** What is said of it, and where it stands. */
export function noteSentence(note: SettingNote, place: string): string {
  return `${place}: ${wordsOf(note)}`;
}

function wordsOf(note: SettingNote): string {
  if (note.kind === 'meaningless') return `${note.path} has no meaning here: ${note.reason}`;
  if (note.kind === 'wrong') {
    return `${note.path === '' ? '' : `${note.path}: `}${note.wanted} expected`;
  }
  const meant = note.meant === undefined ? '' : ` (${note.meant}?)`;
  return `there is no setting ${note.path}${meant}`;
}

/** Every setting that a schema reads: `timeouts.intercept`. */
export function settingPaths(schema: v.GenericSchema, prefix = ''): readonly string[] {
  if ('wrapped' in schema && isSchema(schema.wrapped)) return settingPaths(schema.wrapped, prefix);
  if (schema.type !== 'object' || !('entries' in schema) || !isTree(schema.entries)) {
    return [prefix];
  }
  return Object.entries(schema.entries).flatMap(([name, part]) =>
    isSchema(part) ? settingPaths(part, prefix === '' ? name : `${prefix}.${name}`) : [],
  );
}

/** What is typed, without keys that have no value: YAML's word for a group of comments alone. */
export function withoutNulls(typed: unknown): unknown {
  if (!isTree(typed)) return typed ?? undefined;
  return Object.fromEntries(
    Object.entries(typed).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, withoutNulls(value)]],
    ),
  );
}

/** The way to what is wrong. */
export function stepsOf(issue: v.BaseIssue<unknown>): (string | number)[] {
  return (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
}

function noteOf(
  { path, shape, reason }: OtherSetting,
  at: readonly string[],
  value: unknown,
): SettingNote {
  const parsed = v.safeParse(shape, withoutNulls(value));
  if (parsed.success) return { kind: 'meaningless', at, path, reason };
  return { kind: 'wrong', at, path, wanted: wanted(parsed.issues[0]) };
}

/** The setting that was probably meant: a name like it in that place, or the same name elsewhere. */
function meantBy(at: readonly string[], paths: readonly string[]): string | undefined {
  const name = at.at(-1) ?? '';
  const inside = at
    .slice(0, -1)
    .map((step) => `${step}.`)
    .join('');
  const siblings = new Set(
    paths.flatMap((path) =>
      path.startsWith(inside) ? [path.slice(inside.length).split('.')[0] ?? ''] : [],
    ),
  );
  const [near] = name === '' ? [] : suggest(name, [...siblings]);
  if (near !== undefined) return inside + near;
  const lower = name.toLowerCase();
  return paths.find((path) => path.slice(path.lastIndexOf('.') + 1).toLowerCase() === lower);
}

function groupsAbove(path: string): readonly string[] {
  const steps = path.split('.');
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join('.'));
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): value is v.GenericSchema {
  return isTree(value) && value['kind'] === 'schema' && typeof value['type'] === 'string';
}
