import { fault } from '../template-error.ts';
import { toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { quoteGo } from '../text/quote.ts';

const units = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const maxNanos = (1n << 63n) - 1n;

/** Nanoseconds of `1h15m30.5s`, as Go's ParseDuration reads it. */
export function parseGoDuration(bytes: ByteText): bigint {
  const text = toText(bytes);
  const shown = quoteGo(text);
  const match = /^([+-]?)(.*)$/s.exec(text);
  const body = match?.[2] ?? '';
  if (body === '0') return 0n;
  if (body === '') throw fault(`time: invalid duration ${shown}`);
  let nanos = 0n;
  let rest = body;
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest);
    const [all = '', whole = '', fraction = '', unit = ''] = part ?? [];
    if (whole === '' && fraction === '') throw fault(`time: invalid duration ${shown}`);
    if (unit === '') throw fault(`time: missing unit in duration ${shown}`);
    const size = units.get(unit);
    if (size === undefined) {
      throw fault(`time: unknown unit ${quoteGo(unit)} in duration ${shown}`);
    }
    const digits = fraction.slice(0, 18);
    nanos += BigInt(whole === '' ? '0' : whole) * size;
    nanos += (BigInt(digits === '' ? '0' : digits) * size) / 10n ** BigInt(digits.length);
    if (nanos > maxNanos) throw fault(`time: invalid duration ${shown}`);
    rest = rest.slice(all.length);
  }
  return match?.[1] === '-' ? -nanos : nanos;
}

/** Nanoseconds as Go prints a duration: `1h15m30.5s`. */
export function showGoDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
  const width = String(unit).length - 1;
  const rest = String(value % unit)
    .padStart(width, '0')
    .replace(/0+$/, '');
  return rest === '' ? String(value / unit) : `${value / unit}.${rest}`;
}
