/** One flag of a command: what it is called, how it is read, what the help says of it. */
export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** `switch` takes no value unless written `--flag=false`; `list` repeats; `csv` repeats and splits at commas. */
  readonly kind: 'text' | 'switch' | 'list' | 'csv';
  /** Word for the value in the help, `string` when left out. */
  readonly value?: string;
  readonly default?: string;
  readonly help: string;
  /** Still understood, but no longer in the help. */
  readonly hidden?: boolean;
  /** What a shell offers for the value. */
  readonly complete?: Completes;
}

/** What a word can be, for the shell's completion. */
export type Completes =
  | 'file'
  | 'namespace'
  | 'context'
  | 'workload'
  | 'intercept'
  | readonly string[];

/** How many words a command takes, and how they are called in its help. */
export interface Positionals {
  readonly names: readonly string[];
  /** What any number of further words are called. */
  readonly rest?: string;
  /** What a shell offers for a word. */
  readonly complete?: Completes;
  /** Words after `--` are a command to run. */
  readonly command?: boolean;
  /** Flags after which the first word too many begins that command, without a `--`. */
  readonly commandAfter?: readonly string[];
  /** Everything from the first word or flag that is not ours belongs to another program. */
  readonly handsOn?: boolean;
}

/** What a command line says, checked against its flags. */
export interface ParsedLine {
  /** The value as typed, else the flag's default. */
  text(name: string): string | undefined;
  /** Whether a switch is on. */
  on(name: string): boolean;
  /** Every value of a `list` or `csv` flag, in order. */
  list(name: string): readonly string[];
  /** Whether the flag was typed at all. */
  given(name: string): boolean;
  readonly words: readonly string[];
  /** What follows `--`; undefined when there is no `--`. */
  readonly command: readonly string[] | undefined;
}
