import { isList, isMap } from '#spec/parse/value-kind.ts';
import { formatPath, type Path } from '#spec/parse/problem.ts';

/** Expands one text; a text says why it cannot be. */
export type ExpandText = (text: string) => { readonly text: string } | { readonly trouble: string };

/** What became of an object. */
export type ExpandedObject =
  | { readonly value: unknown }
  | { readonly field: string; readonly message: string };

/**
 * Expands the templates in every text of an object. What comes from a cluster has been read already:
 * a template can change a text there, and nothing around it.
 */
export function expandObject(value: unknown, expand: ExpandText, path: Path = []): ExpandedObject {
  if (typeof value === 'string') {
    const made = expand(value);
    return 'text' in made
      ? { value: made.text }
      : { field: formatPath(path), message: made.trouble };
  }
  if (isList(value)) {
    const items: unknown[] = [];
    for (const [index, item] of value.entries()) {
      const made = expandObject(item, expand, [...path, index]);
      if (!('value' in made)) return made;
      items.push(made.value);
    }
    return { value: items };
  }
  if (!isMap(value)) return { value };
  const pairs: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const made = expandObject(item, expand, [...path, key]);
    if (!('value' in made)) return made;
    pairs.push([key, made.value]);
  }
  return { value: Object.fromEntries(pairs) };
}
