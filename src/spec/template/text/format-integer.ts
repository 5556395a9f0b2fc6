import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import type { GoInt } from '../values.ts';
import { pad } from './pad.ts';
import type { VerbOptions } from './printf.ts';
import { isPrintable, quoteRune } from './quote.ts';

const bases = new Map([
  ['v', 10],
  ['d', 10],
  ['b', 2],
  ['o', 8],
  ['O', 8],
  ['x', 16],
  ['X', 16],
]);

/** A whole number as a verb prints it; undefined when the verb means nothing for one. */
export function formatInteger(
  verb: string,
  { value }: GoInt,
  options: VerbOptions,
): ByteText | undefined {
  const base = bases.get(verb);
  if (base !== undefined) return inBase(verb, base, value, options);
  if (verb === 'c') return pad(toBytes(letterOf(value)), options);
  if (verb === 'q') return pad(toBytes(quoteRune(letterOf(value), options.plus)), options);
  if (verb !== 'U') return undefined;
  const code = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const letter = letterOf(value);
  const shown = options.sharp && value <= 0x10ffffn && isPrintable(letter) ? ` '${letter}'` : '';
  return pad(toBytes(`U+${code.padStart(options.precision ?? 4, '0')}${shown}`), {
    ...options,
    zero: false,
  });
}

function letterOf(value: bigint): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value < 0xe000n);
  return valid ? String.fromCodePoint(Number(value)) : '\ufffd';
}

function inBase(verb: string, base: number, value: bigint, options: VerbOptions): ByteText {
  const { precision } = options;
  const sign = value < 0n ? '-' : options.plus ? '+' : options.space ? ' ' : '';
  if (precision === 0 && value === 0n) return pad('', { ...options, zero: false });
  let digits = (value < 0n ? -value : value).toString(base).padStart(precision ?? 0, '0');
  const prefix = prefixOf(verb, digits, options);
  // Zeros count as digits: they go between the sign and the prefix's own letters.
  if (options.zero && !options.minus && precision === undefined) {
    digits = digits.padStart((options.width ?? 0) - sign.length, '0');
  }
  const text = sign + prefix + digits;
  return pad(verb === 'X' ? text.toUpperCase() : text, { ...options, zero: false });
}

function prefixOf(verb: string, digits: string, options: VerbOptions): string {
  if (verb === 'O') return '0o';
  if (!options.sharp) return '';
  if (verb === 'b') return '0b';
  if (verb === 'o') return digits.startsWith('0') ? '' : '0';
  return verb === 'x' || verb === 'X' ? '0x' : '';
}
