/** Go's strconv of numbers. What JavaScript reads too, it reads; prefixes and underscores are ours. */

const prefixes = new Map([
  ['0x', 16],
  ['0o', 8],
  ['0b', 2],
]);

/** Why a text is no whole number of 64 bits. */
export type WrongNumber = 'invalid syntax' | 'value out of range';

/** A whole number; base 0 reads prefixes (0x, 0o, 0b, 0) and underscores, as Go's literals have them. */
export function parseInteger(
  text: string,
  base: 0 | 8 | 10,
  range: 'int64' | 'uint64' = 'int64',
): bigint | WrongNumber {
  const match = /^([+-]?)(.+)$/s.exec(text);
  if (match === null || (range === 'uint64' && match[1] !== '')) return 'invalid syntax';
  const negative = match[1] === '-';
  const magnitude = parseMagnitude(match[2] ?? '', base);
  if (magnitude === undefined) return 'invalid syntax';
  const value = negative ? -magnitude : magnitude;
  const fits = range === 'int64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  return fits === value ? value : 'value out of range';
}

function parseMagnitude(digits: string, base: 0 | 8 | 10): bigint | undefined {
  if (base !== 0) return ofDigits(digits, base);
  const prefix = prefixes.get(digits.slice(0, 2).toLowerCase());
  if (digits.includes('_')) {
    // Between digits only, or right behind the prefix (Go's language, Integer literals).
    if (!/^(?:0[xXoObB]_?|0_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*$/.test(digits)) return undefined;
  }
  const plain = digits.replaceAll('_', '');
  if (prefix !== undefined) return ofDigits(plain.slice(2), prefix);
  if (plain.length > 1 && plain.startsWith('0')) return ofDigits(plain.slice(1), 8);
  return ofDigits(plain, 10);
}

function ofDigits(digits: string, base: number): bigint | undefined {
  const allowed =
    base === 16 ? /^[0-9a-fA-F]+$/ : base === 10 ? /^[0-9]+$/ : base === 8 ? /^[0-7]+$/ : /^[01]+$/;
  if (digits.length > 100 || !allowed.test(digits)) return undefined;
  if (base === 10) return BigInt(digits);
  return BigInt(`${base === 16 ? '0x' : base === 8 ? '0o' : '0b'}${digits}`);
}

/** A number with a fraction, as Go's ParseFloat reads it, or undefined. */
export function parseFloatGo(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  const hex = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)\.?([0-9a-f]*)p([+-]?[0-9]+)$/i.exec(text);
  if (hex !== null) return ofHex(hex);
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** The digits are a whole number times a power of two. */
function ofHex([, sign, whole = '', fraction = '', power]: readonly string[]): number | undefined {
  const digits = whole + fraction;
  if (digits.length > 100) return undefined;
  const exponent = Number(power) - 4 * fraction.length;
  // In two steps: a power of its own would be out of range before the product is.
  const half = Math.trunc(exponent / 2);
  const value = Number(BigInt(`0x${digits}`)) * 2 ** half * 2 ** (exponent - half);
  if (!Number.isFinite(value)) return digits.replaceAll('0', '') === '' ? 0 : undefined;
  return sign === '-' ? -value : value;
}
