import { parseFloatGo, parseInteger } from '../text/parse-number.ts';
import { GoFloat, GoInt } from '../values.ts';
import type { Value } from '../values.ts';

const lowest = -(1n << 63n);

/** What Sprig makes an int64 of; what is no number is 0. */
export function toInt64(value: Value): bigint {
  if (value instanceof GoInt) return BigInt.asIntN(64, value.value);
  if (value instanceof GoFloat) return truncated(value.value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'string') return 0n;
  const parsed = parseInteger(withoutZeroDecimals(value), 0);
  return typeof parsed === 'bigint' ? parsed : 0n;
}

/** A float without its fraction; out of range it is what amd64 makes of it. */
export function truncated(value: number): bigint {
  if (!Number.isFinite(value)) return lowest;
  const whole = BigInt(Math.trunc(value));
  return BigInt.asIntN(64, whole) === whole ? whole : lowest;
}

/** `3.00` is 3, `3.10` is no whole number; as the library has it that Sprig uses. */
function withoutZeroDecimals(text: string): string {
  return text.replace(/\.0+$/, '');
}

/** What Sprig makes a float64 of; what is no number is 0. */
export function toFloat64(value: Value): number {
  if (value instanceof GoFloat) return value.value;
  if (value instanceof GoInt) return Number(value.value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'string' ? (parseFloatGo(value) ?? 0) : 0;
}
