import type { Budget } from '../budget.ts';
import { fault } from '../template-error.ts';
import type { TemplateError } from '../template-error.ts';
import { GoTime } from '../time/go-time.ts';
import { GoFloat, GoInt, GoList, GoMap, typeName } from '../values.ts';
import type { Value } from '../values.ts';

type Basic = 'bool' | 'int' | 'uint' | 'float' | 'string';

function basicKind(value: Value): Basic | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof GoInt) return value.type.startsWith('u') ? 'uint' : 'int';
  return value instanceof GoFloat ? 'float' : undefined;
}

function incompatible(a: Value, b: Value): TemplateError {
  return fault(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

/** `eq`: signed and unsigned numbers compare, other kinds only with their own. */
export function equal(a: Value, b: Value): boolean {
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value;
  const kinds = [basicKind(a), basicKind(b)];
  if (kinds[0] !== kinds[1]) {
    if (a === undefined || b === undefined) return false;
    throw incompatible(a, b);
  }
  if (a instanceof GoFloat && b instanceof GoFloat) return a.value === b.value;
  if (kinds[0] !== undefined) return a === b;
  return equalOthers(a, b);
}

function isNil(value: Value): boolean {
  return value === undefined || (value instanceof GoList && value.isNil);
}

function equalOthers(a: Value, b: Value): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (a instanceof GoTime && b instanceof GoTime) return a.nanos === b.nanos;
  if ((b instanceof GoList || b instanceof GoMap) && b.constructor === a?.constructor) {
    throw fault(`non-comparable type ${typeName(b)}`);
  }
  if (a instanceof GoList || a instanceof GoMap) throw incompatible(a, b);
  return a === b;
}

/** `lt`. */
export function less(a: Value, b: Value): boolean {
  const kinds = [basicKind(a), basicKind(b)];
  if (kinds.includes(undefined)) throw fault('invalid type for comparison');
  if (a instanceof GoInt && b instanceof GoInt) return a.value < b.value;
  if (a instanceof GoFloat && b instanceof GoFloat) return a.value < b.value;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  if (kinds[0] !== kinds[1]) throw incompatible(a, b);
  throw fault('invalid type for comparison');
}

/** Go's DeepEqual: types count, so the int 1 is not the int64 1. */
export function deepEqual(a: Value, b: Value, budget: Budget, depth = 0): boolean {
  budget.deep(depth);
  if (a instanceof GoInt && b instanceof GoInt) return a.type === b.type && a.value === b.value;
  if (a instanceof GoFloat && b instanceof GoFloat) return a.value === b.value;
  if (a instanceof GoTime && b instanceof GoTime) return a.nanos === b.nanos && a.zone === b.zone;
  if (a instanceof GoList && b instanceof GoList) {
    return (
      a.type === b.type &&
      a.isNil === b.isNil &&
      a.items.length === b.items.length &&
      a.items.every((item, i) => deepEqual(item, b.items[i], budget, depth + 1))
    );
  }
  if (a instanceof GoMap && b instanceof GoMap) {
    if (a.type !== b.type || a.entries.size !== b.entries.size) return false;
    return [...a.entries].every(
      ([key, value]) =>
        b.entries.has(key) && deepEqual(value, b.entries.get(key), budget, depth + 1),
    );
  }
  return a === b;
}
