import { runes, toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { onText } from '../byte-text.ts';
import { fn1, fn2, fn3, fnMany } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { formatValue } from '../text/format-value.ts';
import { quoteBytes } from '../text/quote.ts';
import { compareBytes, GoList, GoMap, strings } from '../values.ts';
import type { Value } from '../values.ts';
import { abbreviate, wrap } from './wrap.ts';

/** Go's unicode.IsSpace. */
export const goSpace = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** A value as text: a string as it is. */
export function strval(value: Value, { budget }: World): ByteText {
  return typeof value === 'string' ? value : formatValue(value, budget);
}

/** A value as a list of strings: of a list without its nils, of anything else the one. */
export function strslice(value: Value, world: World): ByteText[] {
  if (value === undefined) return [];
  if (!(value instanceof GoList)) return [strval(value, world)];
  return value.items.filter((item) => item !== undefined).map((item) => strval(item, world));
}

const given = (values: readonly Value[]): Value[] => values.filter((value) => value !== undefined);

/** Go's strings.Split and SplitN; nothing between characters splits them all. */
export function split(bytes: ByteText, separator: ByteText, limit = -1): ByteText[] {
  if (limit === 0) return [];
  const parts = separator === '' ? runes(bytes).map(toBytes) : bytes.split(separator);
  if (limit < 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

function numbered(parts: readonly ByteText[]): GoMap {
  return new GoMap('map[string]string', new Map(parts.map((part, i) => [`_${i}`, part])));
}

function repeat(count: number, bytes: ByteText, { budget }: World): ByteText {
  if (count < 0) throw fault('strings: negative Repeat count');
  budget.make(count * bytes.length);
  return bytes.repeat(bytes === '' ? 0 : count);
}

function indent(width: number, bytes: ByteText, world: World): ByteText {
  const pad = repeat(width, ' ', world);
  world.budget.make(bytes.split('\n').length * pad.length);
  return pad + bytes.replaceAll('\n', () => `\n${pad}`);
}

function replace([from, to, bytes]: [ByteText, ByteText, ByteText], { budget }: World): ByteText {
  const parts = from === '' ? ['', ...runes(bytes).map(toBytes), ''] : bytes.split(from);
  budget.make(bytes.length + parts.length * to.length);
  return parts.join(to);
}

/** Cuts characters of a set from both ends. */
function trimSet(set: ByteText, bytes: ByteText): ByteText {
  const members = new Set(runes(set));
  const letters = runes(bytes);
  let start = 0;
  let end = letters.length;
  while (start < end && members.has(letters[start] ?? '')) start++;
  while (end > start && members.has(letters[end - 1] ?? '')) end--;
  return toBytes(letters.slice(start, end).join(''));
}

function trimSpace(text: string): string {
  const letters = new RegExp(`^${goSpace.source}+|${goSpace.source}+$`, 'g');
  return text.replaceAll(letters, '');
}

/** Go's strings.Title: the first letter of each word; digits and underscores begin none. */
function title(text: string): string {
  let before = ' ';
  return Array.from(text, (letter) => {
    const begins = /[^\p{L}\p{Nd}_]/u.test(before) && (before < '\x80' || goSpace.test(before));
    before = letter;
    return begins ? upperRune(letter) : letter;
  }).join('');
}

/** One character in capitals; Go never makes two of one. */
export function upperRune(letter: string): string {
  const upper = letter.toUpperCase();
  return Array.from(upper).length === 1 ? upper : letter;
}

/** One character in small letters. */
export function lowerRune(letter: string): string {
  const lower = letter.toLowerCase();
  return Array.from(lower).length === 1 ? lower : (Array.from(lower)[0] ?? letter);
}

const each = (change: (letter: string) => string): ((bytes: ByteText) => ByteText) =>
  onText((text) => Array.from(text, change).join(''));

function untitle(text: string): string {
  let begins = true;
  return Array.from(text, (letter) => {
    const small = begins && !goSpace.test(letter);
    begins = goSpace.test(letter);
    return small ? lowerRune(letter) : letter;
  }).join('');
}

function swapcase(text: string): string {
  return Array.from(text, (letter) => {
    if (/[\p{Lu}\p{Lt}]/u.test(letter)) return lowerRune(letter);
    return /\p{Ll}/u.test(letter) ? upperRune(letter) : letter;
  }).join('');
}

/** The first byte of each word, as the library takes it that Sprig uses. */
function initials(bytes: ByteText): ByteText {
  const words = bytes.split(goSpace).filter((word) => word !== '');
  return toBytes(words.map((word) => word[0]).join(''));
}

/** Without blanks; bytes are taken for characters where there are any, as in Sprig's library. */
function nospace(bytes: ByteText): ByteText {
  return goSpace.test(bytes) ? toBytes(bytes.replaceAll(new RegExp(goSpace, 'g'), '')) : bytes;
}

function trunc(count: number, bytes: ByteText): ByteText {
  if (count < 0) return bytes.length + count > 0 ? bytes.slice(bytes.length + count) : bytes;
  return bytes.slice(0, count);
}

function substr([start, end, bytes]: [number, number, ByteText]): ByteText {
  const { length } = bytes;
  const bounds = (what: string): Error =>
    fault(`runtime error: slice bounds out of range [${what}`);
  if (start < 0) {
    if (end < 0) throw bounds(`:${end}]`);
    if (end > length) throw bounds(`:${end}] with length ${length}`);
    return bytes.slice(0, end);
  }
  const until = end < 0 || end > length ? length : end;
  if (start > until) throw bounds(`${start}:${until}]`);
  return bytes.slice(start, until);
}

/** Sprig's functions on strings. */
export const stringFunctions: Readonly<Record<string, TemplateFunction>> = {
  abbrev: fn2(['int', 'string'], (width, bytes) =>
    width < 4 ? bytes : abbreviate(bytes, 0, width),
  ),
  abbrevboth: fn3(['int', 'int', 'string'], ([left, right, bytes]) =>
    right < 4 || (left > 0 && right < 7) ? bytes : abbreviate(bytes, left, right),
  ),
  trunc: fn2(['int', 'string'], trunc),
  trim: fn1('string', onText(trimSpace)),
  upper: fn1('string', each(upperRune)),
  lower: fn1('string', each(lowerRune)),
  title: fn1('string', onText(title)),
  untitle: fn1('string', onText(untitle)),
  substr: fn3(['int', 'int', 'string'], (args) => substr(args)),
  repeat: fn2(['int', 'string'], repeat),
  trimall: fn2(['string', 'string'], trimSet),
  trimAll: fn2(['string', 'string'], trimSet),
  trimSuffix: fn2(['string', 'string'], (end, bytes) =>
    bytes.endsWith(end) ? bytes.slice(0, bytes.length - end.length) : bytes,
  ),
  trimPrefix: fn2(['string', 'string'], (start, bytes) =>
    bytes.startsWith(start) ? bytes.slice(start.length) : bytes,
  ),
  nospace: fn1('string', nospace),
  initials: fn1('string', initials),
  swapcase: fn1('string', onText(swapcase)),
  wrap: fn2(['int', 'string'], (width, bytes, { budget }) => {
    budget.make(bytes.length * 2);
    return wrap(bytes, width, '\n', false);
  }),
  wrapWith: fn3(['int', 'string', 'string'], ([width, separator, bytes], { budget }) => {
    budget.make(bytes.length * (1 + separator.length));
    return wrap(bytes, width, separator === '' ? '\n' : separator, true);
  }),
  contains: fn2(['string', 'string'], (part, bytes) => bytes.includes(part)),
  hasPrefix: fn2(['string', 'string'], (part, bytes) => bytes.startsWith(part)),
  hasSuffix: fn2(['string', 'string'], (part, bytes) => bytes.endsWith(part)),
  quote: fnMany('any', (values, world) =>
    given(values)
      .map((value) => quoteBytes(strval(value, world)))
      .join(' '),
  ),
  squote: fnMany('any', (values, { budget }) =>
    given(values)
      .map((value) => `'${formatValue(value, budget)}'`)
      .join(' '),
  ),
  cat: fnMany('any', (values, { budget }) =>
    given(values)
      .map((value) => formatValue(value, budget))
      .join(' '),
  ),
  indent: fn2(['int', 'string'], indent),
  nindent: fn2(['int', 'string'], (width, bytes, world) => `\n${indent(width, bytes, world)}`),
  replace: fn3(['string', 'string', 'string'], replace),
  plural: fn3(['string', 'string', 'int'], ([one, many, count]) => (count === 1 ? one : many)),
  toString: fn1('any', strval),
  toStrings: fn1('any', (value, world) => strings(strslice(value, world))),
  split: fn2(['string', 'string'], (separator, bytes, { budget }) => {
    budget.make(bytes.length * 8);
    return numbered(split(bytes, separator));
  }),
  splitList: fn2(['string', 'string'], (separator, bytes, { budget }) => {
    budget.make(bytes.length * 8);
    return strings(split(bytes, separator));
  }),
  splitn: fn3(['string', 'int', 'string'], ([separator, limit, bytes], { budget }) => {
    budget.make(bytes.length * 8);
    return numbered(split(bytes, separator, limit));
  }),
  join: fn2(['string', 'any'], (separator, value, world) => {
    const parts = strslice(value, world);
    world.budget.make(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
    return parts.join(separator);
  }),
  sortAlpha: fn1('any', (value, world) => {
    const parts = value === undefined ? ['<nil>'] : strslice(value, world);
    return strings(parts.sort(compareBytes));
  }),
};
