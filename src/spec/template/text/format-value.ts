import type { Budget } from '../budget.ts';
import type { ByteText } from '../byte-text.ts';
import { showTime } from '../time/layout.ts';
import { GoTime } from '../time/go-time.ts';
import { GoFloat, GoInt, GoList, GoMap } from '../values.ts';
import type { Value } from '../values.ts';
import { formatFloat } from './format-float.ts';

/** A value as Go's `%v` prints it. */
export function formatValue(value: Value, budget: Budget, depth = 0): ByteText {
  budget.deep(depth);
  const text = show(value, budget, depth);
  budget.make(text.length);
  return text;
}

function show(value: Value, budget: Budget, depth: number): ByteText {
  if (value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof GoInt) return String(value.value);
  if (value instanceof GoFloat) return formatFloat(value.value, 'v', undefined);
  if (value instanceof GoList) {
    return `[${value.items.map((item) => formatValue(item, budget, depth + 1)).join(' ')}]`;
  }
  if (value instanceof GoMap) {
    const pairs = value
      .sortedKeys()
      .map((key) => `${key}:${formatValue(value.entries.get(key), budget, depth + 1)}`);
    return `map[${pairs.join(' ')}]`;
  }
  return value instanceof GoTime ? showTime(value) : value.toString();
}

/** `print`: blanks only between two values of which neither is a string. */
export function sprint(values: readonly Value[], budget: Budget): ByteText {
  return values
    .map((value, i) => {
      const blank =
        i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string' ? ' ' : '';
      return blank + formatValue(value, budget);
    })
    .join('');
}
