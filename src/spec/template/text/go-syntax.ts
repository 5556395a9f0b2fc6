import type { Budget } from '../budget.ts';
import type { ByteText } from '../byte-text.ts';
import { fault } from '../template-error.ts';
import { GoFloat, GoInt, GoList, GoMap } from '../values.ts';
import type { Value } from '../values.ts';
import { formatFloat } from './format-float.ts';
import { quoteBytes } from './quote.ts';

/** A value as it would be written in Go (`%#v`). */
export function goSyntax(value: Value, budget: Budget, depth = 0): ByteText {
  budget.deep(depth);
  const text = write(value, budget, depth);
  budget.make(text.length);
  return text;
}

function write(value: Value, budget: Budget, depth: number): ByteText {
  if (value === undefined) return depth === 0 ? '<nil>' : 'interface {}(nil)';
  if (typeof value === 'string') return quoteBytes(value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof GoInt) {
    return value.type.startsWith('u') ? `0x${value.value.toString(16)}` : String(value.value);
  }
  if (value instanceof GoFloat) return formatFloat(value.value, 'g', undefined);
  if (value instanceof GoList) {
    if (value.isNil) return `${value.type}(nil)`;
    const items = value.items.map((item) => goSyntax(item, budget, depth + 1));
    return `${value.type}{${items.join(', ')}}`;
  }
  if (value instanceof GoMap) {
    const pairs = value
      .sortedKeys()
      .map((key) => `${quoteBytes(key)}:${goSyntax(value.entries.get(key), budget, depth + 1)}`);
    return `${value.type}{${pairs.join(', ')}}`;
  }
  throw fault(`the verb %#v of a ${value.type} is not supported`);
}
