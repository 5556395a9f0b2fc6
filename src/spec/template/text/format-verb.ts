import type { Budget } from '../budget.ts';
import { runes, toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fault } from '../template-error.ts';
import { GoTime } from '../time/go-time.ts';
import { showTime } from '../time/layout.ts';
import { GoFloat, GoInt, GoList, GoMap, typeName } from '../values.ts';
import type { Value } from '../values.ts';
import { formatFloat } from './format-float.ts';
import { formatValue } from './format-value.ts';
import { formatInteger } from './format-integer.ts';
import { goSyntax } from './go-syntax.ts';
import { pad } from './pad.ts';
import type { VerbOptions } from './printf.ts';
import { fitsBackquotes, quoteBytes } from './quote.ts';

/** One value as one verb of Go's prints it. */
export function formatVerb(
  verb: string,
  value: Value,
  options: VerbOptions,
  budget: Budget,
  depth = 0,
): ByteText {
  budget.deep(depth);
  budget.make(options.width ?? 0);
  if (value === undefined) {
    if (verb === 'T' || verb === 'v' || depth > 0) return pad('<nil>', options);
    return `%!${toBytes(verb)}(<nil>)`;
  }
  if (verb === 'T') return formatString('s', typeName(value), options) ?? '';
  if (verb === 'v' && options.plus) {
    return formatVerb(verb, value, { ...options, plus: false }, budget, depth);
  }
  if (verb === 'v' && options.sharp) return goSyntax(value, budget);
  if (verb === 'p') throw fault('the verb %p is not supported');
  return format(verb, value, options, budget, depth) ?? bad(verb, value, budget);
}

/** A verb that means nothing for a value. */
function bad(verb: string, value: Value, budget: Budget): ByteText {
  return `%!${toBytes(verb)}(${typeName(value)}=${formatValue(value, budget)})`;
}

function format(
  verb: string,
  value: Exclude<Value, undefined>,
  options: VerbOptions,
  budget: Budget,
  depth: number,
): ByteText | undefined {
  if (typeof value === 'string') return formatString(verb, value, options);
  if (typeof value === 'boolean') {
    return verb === 't' || verb === 'v' ? pad(String(value), options) : undefined;
  }
  if (value instanceof GoInt) return formatInteger(verb, value, options);
  if (value instanceof GoFloat) return formatNumber(verb, value.value, options);
  const inner = (item: Value): ByteText => formatVerb(verb, item, options, budget, depth + 1);
  if (value instanceof GoList) return `[${value.items.map(inner).join(' ')}]`;
  if (value instanceof GoMap) {
    const pairs = value.sortedKeys().map((key) => `${inner(key)}:${inner(value.entries.get(key))}`);
    return `map[${pairs.join(' ')}]`;
  }
  return formatString(verb, value instanceof GoTime ? showTime(value) : value.toString(), options);
}

function formatString(verb: string, bytes: ByteText, options: VerbOptions): ByteText | undefined {
  const { precision } = options;
  switch (verb) {
    case 'v':
    case 's':
    case 'q': {
      const cut =
        precision === undefined ? bytes : toBytes(runes(bytes).slice(0, precision).join(''));
      if (verb !== 'q') return pad(cut, options);
      const raw = options.sharp && fitsBackquotes(toText(cut));
      return pad(raw ? `\`${cut}\`` : quoteBytes(cut, options.plus), options);
    }
    case 'x':
    case 'X':
      return pad(hex(verb, bytes, options), options);
    default:
      return undefined;
  }
}

function hex(verb: 'x' | 'X', bytes: ByteText, options: VerbOptions): string {
  const cut = options.precision === undefined ? bytes : bytes.slice(0, options.precision);
  const pairs = Array.from(cut, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0'));
  const prefix = options.sharp && cut !== '' ? '0x' : '';
  const joined = options.space
    ? pairs.map((pair) => prefix + pair).join(' ')
    : prefix + pairs.join('');
  return verb === 'X' ? joined.toUpperCase() : joined;
}

function formatNumber(verb: string, value: number, options: VerbOptions): ByteText | undefined {
  switch (verb) {
    case 'v':
    case 'g':
    case 'G':
    case 'e':
    case 'E':
    case 'f':
    case 'F': {
      const precision = verb === 'v' || verb === 'g' || verb === 'G' ? undefined : 6;
      let text = formatFloat(value, verb, options.precision ?? precision);
      if (!/^[+-]/.test(text)) text = options.plus ? `+${text}` : options.space ? ` ${text}` : text;
      const zero = options.zero && Number.isFinite(value);
      return pad(text, { ...options, zero });
    }
    case 'x':
    case 'X':
    case 'b':
      throw fault(`the verb %${verb} of a float is not supported`);
    default:
      return undefined;
  }
}
