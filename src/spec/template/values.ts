import type { ByteText } from './byte-text.ts';
import type { GoTime } from './time/go-time.ts';
import type { Version } from './functions/version.ts';

/** Go's types of whole numbers that a template can meet. */
export type IntType = 'int' | 'int64' | 'int32' | 'uint8' | 'uint32' | 'uint64';

/** Go's types of lists that a template can meet. */
export type ListType = '[]interface {}' | '[]string' | '[]int' | '[][]interface {}';

/** Go's types of maps that a template can meet. */
export type MapType = 'map[string]interface {}' | 'map[string]string';

/** A whole number with its type, which comparisons and arguments depend on. */
export class GoInt {
  readonly type: IntType;
  readonly value: bigint;

  constructor(type: IntType, value: bigint) {
    this.type = type;
    this.value = type.startsWith('u')
      ? BigInt.asUintN(type === 'uint8' ? 8 : type === 'uint32' ? 32 : 64, value)
      : BigInt.asIntN(type === 'int32' ? 32 : 64, value);
  }
}

/** A number with a fraction: float64. */
export class GoFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A slice. No function of the template changes one in place. */
export class GoList {
  readonly type: ListType;
  readonly items: readonly Value[];
  readonly isNil: boolean;

  constructor(type: ListType, items: readonly Value[], isNil = false) {
    this.type = type;
    this.items = items;
    this.isNil = isNil;
  }
}

/** A map. `set` and `merge` change it in place, as in Go. */
export class GoMap {
  readonly type: MapType;
  readonly entries: Map<ByteText, Value>;
  /** True of our own data: a name that is not in it is a mistake, and not `<no value>`. */
  readonly strict: boolean;

  constructor(type: MapType, entries: Map<ByteText, Value>, strict = false) {
    this.type = type;
    this.entries = entries;
    this.strict = strict;
  }

  /** Keys in the order in which Go prints them. */
  sortedKeys(): ByteText[] {
    return [...this.entries.keys()].sort(compareBytes);
  }
}

/** What a template computes with; undefined is Go's nil. Strings are bytes. */
export type Value =
  | undefined
  | ByteText
  | boolean
  | GoInt
  | GoFloat
  | GoList
  | GoMap
  | GoTime
  | Version;

/** A number of type int. */
export function int(value: number | bigint): GoInt {
  return new GoInt('int', BigInt(value));
}

/** A number of type int64. */
export function int64(value: number | bigint): GoInt {
  return new GoInt('int64', BigInt(value));
}

/** A list of anything. */
export function list(items: readonly Value[]): GoList {
  return new GoList('[]interface {}', items);
}

/** A list of strings. */
export function strings(items: readonly ByteText[]): GoList {
  return new GoList('[]string', items);
}

/** A map of anything. */
export function dict(entries: Iterable<readonly [ByteText, Value]> = []): GoMap {
  return new GoMap('map[string]interface {}', new Map(entries));
}

/** Go's order of strings: that of their bytes. */
export function compareBytes(a: ByteText, b: ByteText): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The name of a value's type, as `%T` prints it. */
export function typeName(value: Value): string {
  if (value === undefined) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof GoFloat) return 'float64';
  return value.type;
}

/** The name of a value's kind, as reflection has it. */
export function kindName(value: Value): string {
  if (value === undefined) return 'invalid';
  if (value instanceof GoList) return 'slice';
  if (value instanceof GoMap) return 'map';
  const type = typeName(value);
  if (type === 'time.Time') return 'struct';
  return type === '*semver.Version' ? 'ptr' : type;
}

/** Go's truth: not the zero of its type. */
export function isTrue(value: Value): boolean {
  if (value === undefined) return false;
  if (typeof value === 'string') return value.length > 0;
  if (typeof value === 'boolean') return value;
  if (value instanceof GoInt) return value.value !== 0n;
  if (value instanceof GoFloat) return value.value !== 0;
  if (value instanceof GoList) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  return true;
}
