import { toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { equal, less } from '../execute/compare.ts';
import { fn1, fn2, fnMany, fnOneMany } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { formatValue, sprint } from '../text/format-value.ts';
import { sprintf } from '../text/printf.ts';
import { isPrintable } from '../text/quote.ts';
import { GoInt, GoList, GoMap, int, isTrue, typeName } from '../values.ts';
import type { Value } from '../values.ts';

/** The functions that Go's templates have of themselves. */
export const builtins: Readonly<Record<string, TemplateFunction>> = {
  // These two are computed where arguments are, because they leave some out.
  and: fnOneMany(['any', 'any'], (first) => first),
  or: fnOneMany(['any', 'any'], (first) => first),
  call: fnOneMany(['any', 'any'], (first) => {
    if (first === undefined) throw fault('call of nil');
    throw fault(
      `non-function of type ${typeName(first)}: a specification has no functions to call`,
    );
  }),
  html: fnMany('any', (items, world) => escapeHtml(joined(items, world))),
  index: fnOneMany(['any', 'any'], (item, indexes) => index(item, indexes)),
  js: fnMany('any', (items, world) => escapeJs(joined(items, world))),
  len: fn1('any', (item) => length(item)),
  not: fn1('any', (value) => !isTrue(value)),
  print: fnMany('any', (items, { budget }) => sprint(items, budget)),
  printf: fnOneMany(['string', 'any'], (format, items, { budget }) =>
    sprintf(format, items, budget),
  ),
  println: fnMany('any', (items, { budget }) => {
    return `${items.map((item) => formatValue(item, budget)).join(' ')}\n`;
  }),
  urlquery: fnMany('any', (items, world) => queryEscape(joined(items, world))),
  eq: fnOneMany(['any', 'any'], (first, others) => {
    if (others.length === 0) throw fault('missing argument for comparison');
    return others.some((other) => equal(first, other));
  }),
  ne: fn2(['any', 'any'], (a, b) => !equal(a, b)),
  lt: fn2(['any', 'any'], (a, b) => less(a, b)),
  le: fn2(['any', 'any'], (a, b) => less(a, b) || equal(a, b)),
  gt: fn2(['any', 'any'], (a, b) => !(less(a, b) || equal(a, b))),
  ge: fn2(['any', 'any'], (a, b) => !less(a, b)),
};

/** What is escaped: a string as it is, anything else as it is printed. */
function joined(items: readonly Value[], { budget }: World): ByteText {
  const shown = items.map((item) => (item === undefined ? '<no value>' : item));
  return sprint(shown, budget);
}

const htmlEntities = new Map([
  ['\0', '\u00ef\u00bf\u00bd'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);

function escapeHtml(bytes: ByteText): ByteText {
  return bytes.replaceAll(/[\0"'&<>]/g, (letter) => htmlEntities.get(letter) ?? letter);
}

function escapeJs(bytes: ByteText): ByteText {
  const escaped = Array.from(toText(bytes), (letter) => {
    if ('\\\'"'.includes(letter)) return `\\${letter}`;
    const code = letter.codePointAt(0) ?? 0;
    const special =
      code < 0x20 || '<>&='.includes(letter) || (code >= 0x80 && !isPrintable(letter));
    return special ? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}` : letter;
  });
  return toBytes(escaped.join(''));
}

/** Go's url.QueryEscape. */
export function queryEscape(bytes: ByteText): ByteText {
  return bytes.replaceAll(/[^A-Za-z0-9\-_.~]/gs, (byte) =>
    byte === ' ' ? '+' : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function length(item: Value): Value {
  if (typeof item === 'string') return int(item.length);
  if (item instanceof GoList) return int(item.items.length);
  if (item instanceof GoMap) return int(item.entries.size);
  if (item === undefined) throw fault('len of nil pointer');
  throw fault(`len of type ${typeName(item)}`);
}

function index(item: Value, indexes: readonly Value[]): Value {
  if (item === undefined) throw fault('index of untyped nil');
  return indexes.reduce<Value>((current, key) => indexOnce(current, key), item);
}

function indexOnce(item: Value, key: Value): Value {
  if (item === undefined) throw fault('index of nil pointer');
  if (item instanceof GoMap) {
    if (key === undefined) throw fault('value is nil; should be of type string');
    if (typeof key !== 'string') throw fault(`value has type ${typeName(key)}; should be string`);
    const empty = item.type === 'map[string]string' ? '' : undefined;
    return item.entries.get(key) ?? empty;
  }
  if (item instanceof GoList) {
    const at = indexNumber(key, item.items.length);
    if (at === item.items.length) throw fault('reflect: slice index out of range');
    return item.items[at];
  }
  if (typeof item === 'string') {
    const at = indexNumber(key, item.length);
    if (at === item.length) throw fault('reflect: string index out of range');
    return new GoInt('uint8', BigInt(item.charCodeAt(at)));
  }
  throw fault(`can't index item of type ${typeName(item)}`);
}

function indexNumber(key: Value, length: number): number {
  if (key === undefined) throw fault('cannot index slice/array with nil');
  if (!(key instanceof GoInt)) {
    throw fault(`cannot index slice/array with type ${typeName(key)}`);
  }
  if (key.value < 0n || key.value > BigInt(length)) throw fault(`index out of range: ${key.value}`);
  return Number(key.value);
}
