import { list, object, required, text } from './build.ts';
import type { TextShape } from './shape.ts';

const anyText = text();

/** A list of `{name, value}`; the values are texts, also those that look like numbers. */
export function namedValues(name: TextShape, nameMeaning: string, valueMeaning: string) {
  return list(
    object({ name: required(name, nameMeaning), value: required(anyText, valueMeaning) }),
    { uniqueBy: 'name' },
  );
}
