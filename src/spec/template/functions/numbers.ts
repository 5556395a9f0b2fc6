import { fn1, fn2, fn3, fnMany, fnOneMany } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { formatValue } from '../text/format-value.ts';
import { parseInteger } from '../text/parse-number.ts';
import { GoFloat, GoList, int, int64 } from '../values.ts';
import type { GoInt, Value } from '../values.ts';
import { toFloat64, toInt64 } from './casts.ts';
import { computeDecimals } from './decimals.ts';
import type { DecimalOperation } from './decimals.ts';
import { randomBelow } from './random.ts';

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

function divisor(value: Value): bigint {
  const number = toInt64(value);
  if (number === 0n) throw fault('runtime error: integer divide by zero');
  return number;
}

function extreme(
  first: Value,
  others: readonly Value[],
  better: (a: bigint, b: bigint) => boolean,
): GoInt {
  const best = others.reduce<bigint>((current, other) => {
    const number = toInt64(other);
    return better(number, current) ? number : current;
  }, toInt64(first));
  return int64(best);
}

const biggest = fnOneMany(['any', 'any'], (first, others) =>
  extreme(first, others, (a, b) => a > b),
);

function decimals(first: Value, others: readonly Value[], operation: DecimalOperation): GoFloat {
  return new GoFloat(computeDecimals(toFloat64(first), others.map(toFloat64), operation));
}

function round(value: Value, places: number, on = 0.5): GoFloat {
  const power = 10 ** places;
  const digit = power * toFloat64(value);
  const rest = digit - Math.trunc(digit);
  return new GoFloat((rest >= on ? Math.ceil(digit) : Math.floor(digit)) / power);
}

/** The numbers from one to another; none where the step leads away. */
function steps(start: number, stop: number, step: number, { budget }: World): number[] {
  if (step === 0 || stop < start !== step < 0) return [];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  budget.make(count * 8);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

function intList(numbers: readonly number[]): GoList {
  return new GoList('[]int', numbers.map(int));
}

function seq(params: readonly number[], world: World): string {
  const [a = 0, b = 0, c = 0] = params;
  if (params.length === 0 || params.length > 3) return '';
  if (params.length === 1) {
    const by = a < 1 ? -1 : 1;
    return steps(1, a + by, by, world).join(' ');
  }
  if (params.length === 2) {
    const by = b < a ? -1 : 1;
    return steps(a, b + by, by, world).join(' ');
  }
  if (c < a && b > 0) return '';
  return steps(a, c + (c < a ? -1 : 1), b, world).join(' ');
}

function atoi(bytes: string): GoInt {
  const number = parseInteger(bytes, 10);
  if (typeof number === 'bigint') return int(number);
  if (number === 'invalid syntax') return int(0);
  return int(bytes.startsWith('-') ? -(1n << 63n) : (1n << 63n) - 1n);
}

/** Sprig's numbers. */
export const numberFunctions: Readonly<Record<string, TemplateFunction>> = {
  atoi: fn1('string', atoi),
  int64: fn1('any', (value) => int64(toInt64(value))),
  int: fn1('any', (value) => int(toInt64(value))),
  float64: fn1('any', (value) => new GoFloat(toFloat64(value))),
  toDecimal: fn1('any', (value, { budget }) => {
    const number = parseInteger(formatValue(value, budget), 8);
    return int64(typeof number === 'bigint' ? number : 0n);
  }),
  seq: fnMany('int', seq),
  until: fn1('int', (count, world) => intList(steps(0, count, count < 0 ? -1 : 1, world))),
  untilStep: fn3(['int', 'int', 'int'], ([start, stop, step], world) =>
    intList(steps(start, stop, step, world)),
  ),
  add1: fn1('any', (value) => int64(toInt64(value) + 1n)),
  add: fnMany('any', (values) =>
    int64(values.reduce<bigint>((sum, value) => wrap(sum + toInt64(value)), 0n)),
  ),
  sub: fn2(['any', 'any'], (a, b) => int64(toInt64(a) - toInt64(b))),
  div: fn2(['any', 'any'], (a, b) => int64(toInt64(a) / divisor(b))),
  mod: fn2(['any', 'any'], (a, b) => int64(toInt64(a) % divisor(b))),
  mul: fnOneMany(['any', 'any'], (first, others) =>
    int64(
      others.reduce<bigint>((product, value) => wrap(product * toInt64(value)), toInt64(first)),
    ),
  ),
  add1f: fn1('any', (value) => decimals(value, [int(1)], 'add')),
  addf: fnMany('any', (values) => decimals(int(0), values, 'add')),
  subf: fnOneMany(['any', 'any'], (first, others) => decimals(first, others, 'sub')),
  divf: fnOneMany(['any', 'any'], (first, others) => decimals(first, others, 'div')),
  mulf: fnOneMany(['any', 'any'], (first, others) => decimals(first, others, 'mul')),
  biggest,
  max: biggest,
  min: fnOneMany(['any', 'any'], (first, others) => extreme(first, others, (a, b) => a < b)),
  maxf: fnOneMany(
    ['any', 'any'],
    (first, others) => new GoFloat(Math.max(...[first, ...others].map(toFloat64))),
  ),
  minf: fnOneMany(
    ['any', 'any'],
    (first, others) => new GoFloat(Math.min(...[first, ...others].map(toFloat64))),
  ),
  ceil: fn1('any', (value) => new GoFloat(Math.ceil(toFloat64(value)))),
  floor: fn1('any', (value) => new GoFloat(Math.floor(toFloat64(value)))),
  round: {
    params: ['any', 'int'],
    rest: 'float64',
    call: (_, [value, places, on]) =>
      round(value, Number(toInt64(places)), on === undefined ? 0.5 : toFloat64(on)),
  },
  randInt: fn2(['int', 'int'], (least, below, world) => {
    if (below <= least) throw fault('invalid argument to Intn');
    return int(least + randomBelow(below - least, world));
  }),
};
