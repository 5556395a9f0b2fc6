import type { Budget } from '../budget.ts';
import { toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { GoTime } from '../time/go-time.ts';
import { formatTime } from '../time/layout.ts';
import { dict, GoFloat, GoInt, GoList, GoMap, list } from '../values.ts';
import type { Value } from '../values.ts';
import { Version } from './version.ts';

interface Style {
  readonly html: boolean;
  readonly indent: string;
}

function writeString(bytes: ByteText, { html }: Style): string {
  const pattern = html ? /[<>&\u2028\u2029\x7f]/g : /[\u2028\u2029\x7f]/g;
  return JSON.stringify(toText(bytes)).replaceAll(pattern, (letter) =>
    letter === '\x7f' ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function write(value: Value, style: Style, budget: Budget, depth = 0): string {
  budget.deep(depth);
  const text = writePart(value, style, budget, depth);
  budget.make(text.length);
  return text;
}

function writePart(value: Value, style: Style, budget: Budget, depth: number): string {
  if (value === undefined) return 'null';
  if (typeof value === 'string') return writeString(value, style);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof GoInt) return String(value.value);
  if (value instanceof GoFloat) {
    if (Number.isFinite(value.value))
      return Object.is(value.value, -0) ? '-0' : String(value.value);
    const name = Number.isNaN(value.value) ? 'NaN' : value.value > 0 ? '+Inf' : '-Inf';
    throw fault(`json: unsupported value: ${name}`);
  }
  if (value instanceof GoTime) {
    return writeString(formatTime(value, '2006-01-02T15:04:05.999999999Z07:00'), style);
  }
  if (value instanceof Version) return writeString(value.toString(), style);
  if (value instanceof GoList) {
    if (value.isNil) return 'null';
    const items = value.items.map((item) => write(item, style, budget, depth + 1));
    return enclose('[', items, ']', style, depth);
  }
  const colon = style.indent === '' ? ':' : ': ';
  const pairs = value
    .sortedKeys()
    .map(
      (key) =>
        writeString(key, style) + colon + write(value.entries.get(key), style, budget, depth + 1),
    );
  return enclose('{', pairs, '}', style, depth);
}

function enclose(
  open: string,
  parts: readonly string[],
  close: string,
  { indent }: Style,
  depth: number,
): string {
  if (indent === '' || parts.length === 0) return open + parts.join(',') + close;
  const inner = `\n${indent.repeat(depth + 1)}`;
  return `${open}${inner}${parts.join(`,${inner}`)}\n${indent.repeat(depth)}${close}`;
}

function fromParsed(parsed: unknown, budget: Budget, depth = 0): Value {
  budget.deep(depth);
  budget.make(16);
  if (typeof parsed === 'string') return toBytes(parsed);
  if (typeof parsed === 'number') return new GoFloat(parsed);
  if (typeof parsed === 'boolean') return parsed;
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  if (Array.isArray(parsed)) return list(parsed.map((item) => fromParsed(item, budget, depth + 1)));
  return dict(
    Object.entries(parsed).map(([key, item]) => {
      return [toBytes(key), fromParsed(item, budget, depth + 1)] as const;
    }),
  );
}

function parse(bytes: ByteText, { budget }: World): Value {
  let parsed: unknown;
  try {
    parsed = JSON.parse(toText(bytes));
  } catch (thrown) {
    throw fault(`no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  return fromParsed(parsed, budget);
}

const plain: Style = { html: true, indent: '' };
const pretty: Style = { html: true, indent: '  ' };
const raw: Style = { html: false, indent: '' };

const encode = (style: Style): TemplateFunction =>
  fn1('any', (value, { budget }) => toBytes(write(value, style, budget)));

/** As Sprig's functions without `must` do it: what cannot be written is empty. */
const encodeOrEmpty = (style: Style): TemplateFunction =>
  fn1('any', (value, { budget }) => {
    return hasNoJson(value, budget) ? '' : toBytes(write(value, style, budget));
  });

function hasNoJson(value: Value, budget: Budget, depth = 0): boolean {
  budget.deep(depth);
  if (value instanceof GoFloat) return !Number.isFinite(value.value);
  if (value instanceof GoList)
    return value.items.some((item) => hasNoJson(item, budget, depth + 1));
  if (!(value instanceof GoMap)) return false;
  return [...value.entries.values()].some((item) => hasNoJson(item, budget, depth + 1));
}

function isJson(bytes: ByteText): boolean {
  try {
    JSON.parse(toText(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Sprig's JSON. */
export const jsonFunctions: Readonly<Record<string, TemplateFunction>> = {
  fromJson: fn1('string', (bytes, world) => (isJson(bytes) ? parse(bytes, world) : undefined)),
  mustFromJson: fn1('string', parse),
  toJson: encodeOrEmpty(plain),
  mustToJson: encode(plain),
  toPrettyJson: encodeOrEmpty(pretty),
  mustToPrettyJson: encode(pretty),
  toRawJson: encode(raw),
  mustToRawJson: encode(raw),
};
