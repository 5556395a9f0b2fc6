import type {
  BooleanShape,
  ChoiceShape,
  EitherShape,
  Field,
  FreeShape,
  IntegerShape,
  ListShape,
  ObjectShape,
  Rule,
  Shape,
  TextForm,
  TextShape,
} from './shape.ts';

/** Texts, of a form where one is given. */
export function text(form?: TextForm, options: Pick<TextShape, 'max' | 'names'> = {}): TextShape {
  return { kind: 'text', ...(form && { form }), ...options };
}

/** One of these words. */
export function choice<const Choice extends string>(
  ...choices: readonly Choice[]
): ChoiceShape<Choice> {
  return { kind: 'choice', choices };
}

/** Whole numbers from `min` to `max`. */
export function integer(min: number, max: number): IntegerShape {
  return { kind: 'integer', min, max };
}

export const boolean: BooleanShape = { kind: 'boolean' };

/** Named values that are handed on as they are. */
export const free: FreeShape = { kind: 'free' };

/** Lists of `of`. */
export function list<Of extends Shape>(
  of: Of,
  options: Pick<ListShape, 'min' | 'max' | 'uniqueBy'> = {},
): ListShape<Of> {
  return { kind: 'list', of, ...options };
}

/** Objects with these fields, of which the rules hold. */
export function object<Fields extends Readonly<Record<string, Field>>>(
  fields: Fields,
  rules: readonly Rule[] = [],
): ObjectShape<Fields> {
  return { kind: 'object', fields, rules };
}

/** Any one of these shapes. */
export function either<const Shapes extends readonly Shape[]>(
  ...shapes: Shapes
): EitherShape<Shapes> {
  return { kind: 'either', shapes };
}

/** A field that must be there. */
export function required<Of extends Shape>(shape: Of, meaning: string): Field<Of, true> {
  return { shape, required: true, meaning };
}

/** A field that may be left out. */
export function optional<Of extends Shape>(
  shape: Of,
  meaning: string,
  without: Pick<Field, 'fallback' | 'otherwise'> = {},
): Field<Of, false> {
  return { shape, required: false, meaning, ...without };
}
