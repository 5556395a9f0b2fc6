import type { Field, ListShape, ObjectShape, Shape } from './shape.ts';
import { specificationSchema } from './specification.ts';

/** The fields of one object of the document, for the documentation. */
export interface FieldSection {
  /** `workloads[].intercepts[]`; empty for the document itself. */
  readonly path: string;
  readonly rows: readonly FieldRow[];
}

/** One field. */
export interface FieldRow {
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
  /** What it is when it is left out. */
  readonly without: string;
  readonly meaning: string;
}

/** All fields, each object before those that stand in it. */
export function fieldSections(): readonly FieldSection[] {
  return sectionsOf(specificationSchema, '');
}

function sectionsOf(shape: Shape, path: string): readonly FieldSection[] {
  if (shape.kind === 'list') return sectionsOf(shape.of, `${path}[]`);
  if (shape.kind === 'either') return shape.shapes.flatMap((one) => sectionsOf(one, path));
  if (shape.kind !== 'object' || isNamedValue(shape)) return [];
  const prefix = path === '' ? '' : `${path}.`;
  const inside = Object.entries(shape.fields).flatMap(([name, field]) =>
    sectionsOf(field.shape, prefix + name),
  );
  return [{ path, rows: Object.entries(shape.fields).map(rowOf) }, ...inside];
}

function rowOf([name, field]: readonly [string, Field]): FieldRow {
  const { required, fallback, otherwise = '', meaning } = field;
  const without = fallback === undefined ? otherwise : `\`${fallback}\``;
  return { name, required, type: typeOf(field.shape), without, meaning };
}

/** `{name, value}` is told in the row of the list. */
function isNamedValue({ fields }: ObjectShape): boolean {
  return Object.keys(fields).join() === 'name,value';
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return `${shape.form?.words ?? 'a text'}${shape.max === undefined ? '' : `, at most ${shape.max}`}`;
    case 'choice':
      return shape.choices.map((one) => `\`${one}\``).join(', ');
    case 'integer':
      return `integer, ${shape.min} to ${shape.max}`;
    case 'boolean':
      return '`true` or `false`';
    case 'free':
      return 'map';
    case 'either':
      return shape.shapes.map(typeOf).join(', or ');
    case 'list':
      return listType(shape);
    case 'object':
  }
  return 'map, below';
}

function listType({ of, min = 0, max }: ListShape): string {
  const sizes = [...(min > 0 ? [`at least ${min}`] : []), ...(max === undefined ? [] : [`at most ${max}`])];
  const size = sizes.length === 0 ? '' : ` (${sizes.join(', ')})`;
  if (of.kind !== 'object') return `list${size}: ${typeOf(of)}`;
  if (!isNamedValue(of)) return `list${size}, below`;
  const name = of.fields['name'];
  return `list${size} of \`{name, value}\`; the name is: ${name === undefined ? '' : typeOf(name.shape)}`;
}
