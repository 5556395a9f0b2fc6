/** Whether a character belongs to a class. */
export type Matches = (letter: string) => boolean;

/** A place between characters. */
export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';

/** A regular expression, taken apart. */
export type RegularNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'letter'; readonly matches: Matches }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'group'; readonly index: number; readonly node: RegularNode }
  | { readonly kind: 'all'; readonly nodes: readonly RegularNode[] }
  | { readonly kind: 'any'; readonly nodes: readonly RegularNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: RegularNode;
      readonly least: number;
      /** undefined is without end. */
      readonly most: number | undefined;
      readonly greedy: boolean;
    };

/** A regular expression and the names of its groups; groups without a name have the empty one. */
export interface Regular {
  readonly node: RegularNode;
  readonly groups: readonly string[];
}
