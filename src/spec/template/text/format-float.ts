/** The ways in which Go writes a float: `v` is `g`. */
export type FloatVerb = 'v' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G';

/** A float as Go writes it; without a precision as few digits as tell it from its neighbours. */
export function formatFloat(value: number, verb: FloatVerb, precision: number | undefined): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  switch (verb) {
    case 'e':
    case 'E':
      return (
        sign +
        cased(
          exponential(digitsOf(size, precision === undefined ? undefined : precision + 1)),
          verb,
        )
      );
    case 'f':
    case 'F':
      return sign + fixed(size, precision);
    case 'v':
    case 'g':
    case 'G':
      break;
  }
  return sign + cased(general(size, precision), verb);
}

function cased(text: string, verb: FloatVerb): string {
  return verb === 'E' || verb === 'G' ? text.toUpperCase() : text;
}

/** Significant digits and the exponent of the first of them. */
interface Digits {
  readonly digits: string;
  readonly exponent: number;
}

/** More digits than these no float has anything to say in. */
const maxDigits = 1100;

/** A float times a power of ten as a whole number; halves go to the even neighbour, as in Go. */
function scaled(size: number, power: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, size);
  const raw = bits.getBigUint64(0);
  const biased = Number(raw >> 52n) & 0x7ff;
  const fraction = raw & ((1n << 52n) - 1n);
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const exponent = Math.max(biased, 1) - 1075;
  const top = mantissa << BigInt(Math.max(exponent, 0));
  const bottom = 1n << BigInt(Math.max(-exponent, 0));
  const numerator = power > 0 ? top * 10n ** BigInt(power) : top;
  const denominator = power < 0 ? bottom * 10n ** BigInt(-power) : bottom;
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

function digitsOf(size: number, count: number | undefined): Digits {
  const [mantissa = '0', power = '0'] = size.toExponential().split('e');
  const shortest = mantissa.replace('.', '');
  const exponent = Number(power);
  if (count === undefined) return { digits: shortest, exponent };
  const wanted = Math.min(count, maxDigits);
  const digits = String(scaled(size, wanted - 1 - exponent));
  // Rounding up may have made one digit more: 9.99 is 10.
  const carried = digits.length > wanted && size !== 0;
  return carried
    ? { digits: digits.slice(0, wanted), exponent: exponent + 1 }
    : { digits: digits.padEnd(wanted, '0'), exponent };
}

function exponential({ digits, exponent }: Digits): string {
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${power}`;
}

function fixed(size: number, precision: number | undefined): string {
  if (precision === undefined) {
    const { digits, exponent } = digitsOf(size, undefined);
    return plain(digits, exponent);
  }
  const places = Math.min(precision, maxDigits);
  const digits = String(scaled(size, places)).padStart(places + 1, '0');
  if (places === 0) return digits;
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  return rest === '' ? whole : `${whole}.${rest}`;
}

function general(size: number, precision: number | undefined): string {
  const found = digitsOf(size, precision === 0 ? 1 : precision);
  const digits = found.digits.replace(/(?<=.)0+$/, '');
  const { exponent } = found;
  // Where nobody asked for a number of digits it is decided as if for six.
  let limit = Math.max(precision ?? 6, 1);
  if (precision !== undefined && limit > digits.length && digits.length > exponent) {
    limit = digits.length;
  }
  if (exponent < -4 || exponent >= limit) return exponential({ digits, exponent });
  return size === 0 ? '0' : plain(digits, exponent);
}
