import type { ObjectShape, Shape } from '../schema/shape.ts';

/** Texts of a file may be pages long. */
const longest = 60;

/** What was found, in words: `the number 8080`, `the text "x"`, `a list`. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string')
    return value === '' ? 'an empty text' : `the text ${quoted(value)}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : 'a map';
}

/** A text in quotes, on one line, and not too long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

/** What the shape allows, in words; with what was found instead, also how that is made right. */
export function allowedWords(shape: Shape, found?: unknown): string {
  switch (shape.kind) {
    case 'text': {
      const words = shape.form?.words ?? 'a text';
      const isPlain = typeof found === 'number' || typeof found === 'boolean';
      return isPlain ? `${words}; in quotes: "${found}"` : words;
    }
    case 'choice':
      return orList(shape.choices);
    case 'integer': {
      const isDigits = typeof found === 'string' && /^\d+$/.test(found);
      return `a whole number from ${shape.min} to ${shape.max}${isDigits ? ', without quotes' : ''}`;
    }
    case 'boolean':
      return typeof found === 'string' ? 'true or false, without quotes' : 'true or false';
    case 'list': {
      const items = shape.of.kind === 'object' ? `, each item with ${requiredNames(shape.of)}` : '';
      const dashes =
        typeof found === 'object' && found !== null ? ' (an item begins with "- ")' : '';
      return `a list${items}${dashes}`;
    }
    case 'object':
      return `a map with ${fieldNames(shape)}`;
    case 'either':
      return shape.shapes.map((one) => allowedWords(one)).join(', or ');
    case 'free':
  }
  return 'a map';
}

/** The fields of an object, those first that it must have. */
export function fieldNames({ fields }: ObjectShape): string {
  const names = Object.entries(fields).toSorted(
    ([, a], [, b]) => Number(b.required) - Number(a.required),
  );
  return names.map(([name]) => name).join(', ');
}

function requiredNames({ fields }: ObjectShape): string {
  const names = Object.keys(fields).filter((name) => fields[name]?.required);
  return names.join(', ');
}

/** `a, b or c` */
export function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
