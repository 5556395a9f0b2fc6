import { Budget, specificationLimits } from './budget.ts';
import type { Limits } from './budget.ts';
import { toBytes } from './byte-text.ts';
import { execute } from './execute/execute.ts';
import { LineWriter } from './execute/line-writer.ts';
import { hintFor, templateFunctions } from './functions/all.ts';
import { parseTemplate } from './syntax/parse.ts';
import { TemplateError } from './template-error.ts';
import { GoMap } from './values.ts';
import type { Value } from './values.ts';

/** What a template is told; objects become maps in which a name that is missing is an error. */
export type TemplateData = string | { readonly [name: string]: TemplateData };

/** What an expansion depends on; nothing else is looked at. */
export interface TemplateOptions {
  readonly data: TemplateData;
  /** What `env` and `expandenv` read. */
  readonly environment: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  readonly clock: { readonly now: () => number };
  readonly random: (count: number) => Uint8Array;
  /** False for a text that came from a cluster: it does not read this machine's environment. */
  readonly trusted: boolean;
  /** The time zone of `date`; that of this machine unless given. */
  readonly zone?: string;
  readonly limits?: Limits;
  /** In the place of the limits, where several texts share one. */
  readonly budget?: Budget;
}

/** What became of a text. */
export type Expansion =
  | {
      readonly kind: 'expanded';
      readonly text: string;
      /** For each line of `text`, the line of the file (from 1) that it comes from. */
      readonly lines: readonly number[];
    }
  | {
      readonly kind: 'failed';
      /** Both from 1. */
      readonly line: number;
      readonly column: number;
      /** What is wrong, in Go's words. */
      readonly message: string;
      /** What of the template stands there, if it got so far as to be carried out. */
      readonly at: string | undefined;
    };

/** Expands Go's text/template with Sprig's functions. A text without `{{` stays as it is. */
export function expandTemplate(source: string, options: TemplateOptions): Expansion {
  const starts = lineStarts(source);
  if (!source.includes('{{')) {
    return { kind: 'expanded', text: source, lines: starts.map((_, index) => index + 1) };
  }
  const lineOf = (offset: number): number => lineAt(starts, offset);
  const budget = options.budget ?? new Budget(options.limits ?? specificationLimits);
  try {
    const set = parseTemplate(source, {
      isFunction: (name) => templateFunctions.has(name),
      hintFor,
    });
    const writer = new LineWriter(lineOf, budget);
    const world = {
      budget,
      environment: options.trusted ? options.environment : undefined,
      now: () => options.clock.now(),
      random: options.random,
      zone: options.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    execute({ set, functions: templateFunctions, world, writer }, ofData(options.data));
    return { kind: 'expanded', ...writer.finish() };
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    const offset = thrown.offset ?? 0;
    const line = lineOf(offset);
    const column = offset - (starts[line - 1] ?? 0) + 1;
    return { kind: 'failed', line, column, message: thrown.message, at: thrown.at };
  }
}

/** The line (from 1) in which an offset is. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

function lineStarts(source: string): number[] {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

function ofData(data: TemplateData): Value {
  if (typeof data === 'string') return toBytes(data);
  const entries = Object.entries(data).map(([name, value]) => {
    return [toBytes(name), ofData(value)] as const;
  });
  return new GoMap('map[string]interface {}', new Map(entries), true);
}
