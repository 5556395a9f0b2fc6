import type { Budget } from '../budget.ts';
import type { ByteText } from '../byte-text.ts';
import { fault } from '../template-error.ts';
import { GoTime } from '../time/go-time.ts';
import { dict, GoFloat, GoInt, GoList, GoMap, typeName } from '../values.ts';
import type { Value } from '../values.ts';

/** What functions may know of the world; all of it is handed in. */
export interface World {
  readonly budget: Budget;
  /** The environment, or undefined where a template may not read it. */
  readonly environment: ReadonlyMap<string, string> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Random bytes. */
  readonly random: (count: number) => Uint8Array;
  /** The name of the laptop's time zone. */
  readonly zone: string;
}

/** What a parameter becomes when a function is called. */
interface Arguments {
  readonly string: ByteText;
  readonly bool: boolean;
  readonly int: number;
  readonly float64: number;
  readonly any: Value;
  readonly map: GoMap;
  readonly list: GoList;
  readonly time: GoTime;
}

/** The type of a parameter; `any` is Go's empty interface. */
export type Param = keyof Arguments;

/** The types of parameters as Go writes them. */
export const paramTypes: { readonly [P in Param]: string } = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  float64: 'float64',
  any: 'interface {}',
  map: 'map[string]interface {}',
  list: '[]interface {}',
  time: 'time.Time',
};

/** A function of the template language. */
export interface TemplateFunction {
  readonly params: readonly Param[];
  /** Of a variadic one, the type of the parameters behind `params`. */
  readonly rest?: Param;
  readonly call: (world: World, args: readonly Value[]) => Value;
}

const readers: { readonly [P in Param]: (value: Value) => Arguments[P] | undefined } = {
  string: (value) => (typeof value === 'string' ? value : undefined),
  bool: (value) => (typeof value === 'boolean' ? value : undefined),
  int: (value) =>
    value instanceof GoInt && value.type === 'int' ? Number(value.value) : undefined,
  float64: (value) => (value instanceof GoFloat ? value.value : undefined),
  any: (value) => value,
  map: (value) => {
    if (value === undefined) return dict();
    return value instanceof GoMap && value.type === 'map[string]interface {}' ? value : undefined;
  },
  list: (value) => {
    if (value === undefined) return new GoList('[]interface {}', [], true);
    return value instanceof GoList && value.type === '[]interface {}' ? value : undefined;
  },
  time: (value) => (value instanceof GoTime ? value : undefined),
};

/** Whether a value can be given for a parameter. */
export function fits(param: Param, value: Value): boolean {
  return param === 'any' || readers[param](value) !== undefined;
}

function read<P extends Exclude<Param, 'any'>>(param: P, value: Value): Arguments[P];
function read<P extends Param>(param: P, value: Value): Arguments[P];
function read<P extends Param>(param: P, value: Value): Arguments[P] | undefined {
  const known = readers[param](value);
  if (known !== undefined || param === 'any') return known;
  throw fault(`wrong type for value; expected ${paramTypes[param]}; got ${typeName(value)}`);
}

/** A function without parameters. */
export function fn0(call: (world: World) => Value): TemplateFunction {
  return { params: [], call: (world) => call(world) };
}

/** A function with one parameter. */
export function fn1<A extends Param>(
  a: A,
  call: (a: Arguments[A], world: World) => Value,
): TemplateFunction {
  return { params: [a], call: (world, args) => call(read(a, args[0]), world) };
}

/** A function with two parameters. */
export function fn2<A extends Param, B extends Param>(
  [a, b]: readonly [A, B],
  call: (a: Arguments[A], b: Arguments[B], world: World) => Value,
): TemplateFunction {
  return {
    params: [a, b],
    call: (world, args) => call(read(a, args[0]), read(b, args[1]), world),
  };
}

/** A function with three parameters. */
export function fn3<A extends Param, B extends Param, C extends Param>(
  [a, b, c]: readonly [A, B, C],
  call: (values: [Arguments[A], Arguments[B], Arguments[C]], world: World) => Value,
): TemplateFunction {
  return {
    params: [a, b, c],
    call: (world, args) => call([read(a, args[0]), read(b, args[1]), read(c, args[2])], world),
  };
}

/** A function of any number of values. */
export function fnMany<R extends Param>(
  rest: R,
  call: (items: Arguments[R][], world: World) => Value,
): TemplateFunction {
  return {
    params: [],
    rest,
    call: (world, args) =>
      call(
        args.map((item) => read(rest, item)),
        world,
      ),
  };
}

/** A function of one value and any number of others. */
export function fnOneMany<A extends Param, R extends Param>(
  [a, rest]: readonly [A, R],
  call: (a: Arguments[A], items: Arguments[R][], world: World) => Value,
): TemplateFunction {
  return {
    params: [a],
    rest,
    call: (world, args) =>
      call(
        read(a, args[0]),
        args.slice(1).map((item) => read(rest, item)),
        world,
      ),
  };
}
