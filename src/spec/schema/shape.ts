/**
 * What a value of the document may be, as data: one description from which the parser, the schema
 * for editors, the custom resource and the table of the documentation are made. Types follow it.
 */
export type Shape =
  | TextShape
  | ChoiceShape
  | IntegerShape
  | BooleanShape
  | ListShape
  | ObjectShape
  | EitherShape
  | FreeShape;

/** Any text, or texts of one form. */
export interface TextShape {
  readonly kind: 'text';
  readonly form?: TextForm;
  readonly max?: number;
  /** It names another part of the document, so that no template may stand for it. */
  readonly names?: Referred;
}

/** What a text may name. */
export type Referred = 'handler' | 'intercept' | 'connection';

/** A form of texts: as a pattern, and in words. */
export interface TextForm {
  readonly pattern: string;
  readonly words: string;
  /** What no pattern can say. */
  readonly isValid?: (text: string) => boolean;
  /** What a text is that is not valid: `out of range`. */
  readonly isNot?: string;
}

/** One of a few words. */
export interface ChoiceShape<Choice extends string = string> {
  readonly kind: 'choice';
  readonly choices: readonly Choice[];
}

/** A whole number. */
export interface IntegerShape {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
}

/** True or false. */
export interface BooleanShape {
  readonly kind: 'boolean';
}

/** Values of one shape. */
export interface ListShape<Of = unknown> {
  readonly kind: 'list';
  readonly of: Of & Shape;
  readonly min?: number;
  readonly max?: number;
  /** A field that no two of the items have the same of. */
  readonly uniqueBy?: string;
}

/** Named fields, and no others. */
export interface ObjectShape<Fields = Readonly<Record<string, Field>>> {
  readonly kind: 'object';
  readonly fields: Fields & Readonly<Record<string, Field>>;
  readonly rules: readonly Rule[];
}

/** One shape or another; they differ by the type of the value. */
export interface EitherShape<Shapes = readonly unknown[]> {
  readonly kind: 'either';
  readonly shapes: readonly Shape[] & Shapes;
}

/** Named values that somebody else reads. */
export interface FreeShape {
  readonly kind: 'free';
}

/** A field of an object: its shape, and what the documentation says of it. */
export interface Field<Of = unknown, Required extends boolean = boolean> {
  readonly shape: Of & Shape;
  readonly required: Required;
  readonly meaning: string;
  /** What it is when it is left out. */
  readonly fallback?: boolean | number | string;
  /** The same in words, where it is no value. */
  readonly otherwise?: string;
}

/** What fields of one object say of each other. */
export type Rule =
  | { readonly kind: 'exactlyOne'; readonly of: readonly string[] }
  | { readonly kind: 'atMostOne'; readonly of: readonly string[] }
  /** Where `field` is `is`, none of the others may be given. */
  | {
      readonly kind: 'excludes';
      readonly field: string;
      readonly is: boolean | string;
      readonly others: readonly string[];
    }
  /** `other` may only be given where `field` is `is`. */
  | {
      readonly kind: 'onlyWhere';
      readonly field: string;
      readonly is: boolean | string;
      readonly other: string;
    };

/** The type of the values that a shape describes. */
export type Typed<S> =
  S extends ChoiceShape<infer Choice>
    ? Choice
    : S extends TextShape
      ? string
      : S extends IntegerShape
        ? number
        : S extends BooleanShape
          ? boolean
          : S extends ListShape<infer Of>
            ? readonly Typed<Of>[]
            : S extends ObjectShape<infer Fields>
              ? TypedFields<Fields>
              : S extends EitherShape<infer Shapes>
                ? Shapes extends readonly unknown[]
                  ? Typed<Shapes[number]>
                  : never
                : S extends FreeShape
                  ? Readonly<Record<string, unknown>>
                  : never;

type TypedFields<Fields> = {
  readonly [K in keyof Fields as Fields[K] extends Field<unknown, true> ? K : never]: TypedField<
    Fields[K]
  >;
} & {
  readonly [K in keyof Fields as Fields[K] extends Field<unknown, true> ? never : K]?: TypedField<
    Fields[K]
  >;
};

type TypedField<F> = F extends Field<infer Of> ? Typed<Of> : never;
