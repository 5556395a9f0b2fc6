import { suggest } from '#base/suggest.ts';
import type { ObjectShape, Shape } from '../schema/shape.ts';
import type { Surrounding } from './check-shape.ts';
import { type Finding, formatPath } from './problem.ts';
import { fieldNames } from './words.ts';

/** What is said of a field that is not known, and the field that was meant. */
export interface UnknownField {
  readonly finding: Omit<Finding, 'path'>;
  readonly meant: string | undefined;
}

/** Says what was meant by an unknown field of the last of the objects `around`. */
export function unknownField(key: string, around: readonly Surrounding[]): UnknownField {
  const here = around.at(-1);
  if (here === undefined) return { finding: { message: 'is no field' }, meant: undefined };
  const known = Object.keys(here.shape.fields);
  const allowed = fieldNames(here.shape);
  const same = known.find((name) => plain(name) === plain(key));
  if (same !== undefined) {
    return { finding: { message: `is spelled ${same}`, allowed: same }, meant: same };
  }
  const [near] = suggest(key, known);
  if (near !== undefined) {
    return { finding: { message: `is no field (did you mean ${near}?)`, allowed }, meant: near };
  }
  const inside = placesInside(here.shape, key);
  const outside = around.slice(0, -1).findLast(({ shape }) => Object.hasOwn(shape.fields, key));
  const place = inside[0] ?? (outside && (formatPath(outside.path) || 'the document itself'));
  const message = place === undefined ? 'is no field' : `is no field here: it belongs in ${place}`;
  return { finding: { message, allowed }, meant: undefined };
}

/** Names that differ in case or dashes only are meant to be the same. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Where inside the object a field of that name is, at most two steps deep, the nearest first. */
function placesInside(shape: ObjectShape, key: string, depth = 2): string[] {
  const inner = Object.entries(shape.fields).flatMap(([name, field]) =>
    objectsOf(field.shape).map((object) => ({ name, object })),
  );
  const direct = inner.filter(({ object }) => Object.hasOwn(object.fields, key));
  if (depth === 0) return [];
  return [
    ...direct.map(({ name }) => name),
    ...inner.flatMap(({ name, object }) =>
      placesInside(object, key, depth - 1).map((place) => `${name}.${place}`),
    ),
  ];
}

function objectsOf(shape: Shape): ObjectShape[] {
  if (shape.kind === 'object') return [shape];
  if (shape.kind === 'list') return objectsOf(shape.of);
  return shape.kind === 'either' ? shape.shapes.flatMap(objectsOf) : [];
}
