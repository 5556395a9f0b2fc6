import type { FlagSpec, ParsedLine, Positionals } from '../parse/flag-spec.ts';
import type { CliContext } from '../context.ts';

/** Flags under one heading of the help. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly FlagSpec[];
}

/** Runs a command and returns the exit code; a CliError becomes its message and 1. */
export type RunCommand = (context: CliContext, line: ParsedLine) => Promise<number>;

/** One command as the parser and the help know it; its code is loaded when it is run. */
export interface CommandSpec {
  /** `['helm', 'install']` */
  readonly path: readonly string[];
  readonly summary: string;
  readonly details?: string;
  readonly examples?: readonly string[];
  readonly hidden?: boolean;
  readonly positionals: Positionals;
  readonly flagGroups: readonly FlagGroup[];
  /** It is nothing but these. */
  readonly commands?: readonly CommandSpec[];
  /** It is these where its first word names one, as cobra has it, and otherwise itself. */
  readonly subcommands?: readonly CommandSpec[];
  readonly load: () => Promise<RunCommand>;
}
