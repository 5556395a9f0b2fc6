import { fault } from '../template-error.ts';

/** A decimal number: `value` times ten to the `exponent`. */
interface Decimal {
  readonly value: bigint;
  readonly exponent: number;
}

/** Digits behind the point of a quotient, in the library that Sprig uses. */
const divisionDigits = 16;

/** What can be done to decimals. */
export type DecimalOperation = 'add' | 'sub' | 'mul' | 'div';

/** Computes with floats as with the decimals that they are written as: 0.1 and 0.2 are 0.3. */
export function computeDecimals(
  first: number,
  others: readonly number[],
  operation: DecimalOperation,
): number {
  let result = ofFloat(first);
  for (const other of others) result = compute(result, ofFloat(other), operation);
  return Number(`${result.value}e${result.exponent}`);
}

function ofFloat(value: number): Decimal {
  if (!Number.isFinite(value)) {
    throw fault(
      `Cannot create a Decimal from ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`,
    );
  }
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const [whole = '0', rest = ''] = mantissa.split('.');
  return { value: BigInt(whole + rest), exponent: Number(power) - rest.length };
}

function compute(a: Decimal, b: Decimal, operation: DecimalOperation): Decimal {
  switch (operation) {
    case 'add':
    case 'sub': {
      const exponent = Math.min(a.exponent, b.exponent);
      const right = scaled(b, exponent);
      return { value: scaled(a, exponent) + (operation === 'add' ? right : -right), exponent };
    }
    case 'mul':
      return { value: a.value * b.value, exponent: a.exponent + b.exponent };
    case 'div':
      break;
  }
  return divide(a, b);
}

function scaled({ value, exponent }: Decimal, to: number): bigint {
  return value * 10n ** BigInt(exponent - to);
}

function divide(a: Decimal, b: Decimal): Decimal {
  if (b.value === 0n) throw fault('decimal division by 0');
  const shift = a.exponent - b.exponent + divisionDigits;
  const top = shift > 0 ? a.value * 10n ** BigInt(shift) : a.value;
  const bottom = shift < 0 ? b.value * 10n ** BigInt(-shift) : b.value;
  const quotient = top / bottom;
  const rest = top % bottom;
  const double = (rest < 0n ? -rest : rest) * 2n;
  const away = double >= (bottom < 0n ? -bottom : bottom) ? 1n : 0n;
  const negative = top < 0n !== bottom < 0n;
  return { value: quotient + (negative ? -away : away), exponent: -divisionDigits };
}
