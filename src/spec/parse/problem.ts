import { visible } from '#base/visible.ts';

/** Steps from the root of a document to a value in it. */
export type Path = readonly (string | number)[];

/** Something wrong with a document, as it was found. */
export interface Finding {
  readonly path: Path;
  /** Whether the key itself is meant, rather than its value. */
  readonly atKey?: boolean;
  readonly message: string;
  /** What may stand there instead. */
  readonly allowed?: string | undefined;
}

/** A place in a file; lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something wrong with a document, and where; without a place where nobody has the text. */
export interface Problem extends Partial<Place> {
  readonly file: string;
  /** `workloads[0].intercepts[0].port`; empty for the document as a whole. */
  readonly field: string;
  readonly message: string;
  readonly allowed?: string | undefined;
}

/** `spec.yaml:12:5: workloads[0].name: is missing; allowed: a text`, on one line whatever stands in it. */
export function formatProblem({ file, line, column, field, message, allowed }: Problem): string {
  const what = field === '' ? message : `${field}: ${message}`;
  const end = allowed === undefined ? '' : `; allowed: ${allowed}`;
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return visible(`${place}: ${what}${end}`);
}

/** The path as it is written in messages. */
export function formatPath(path: Path): string {
  return path
    .map((step, at) => {
      if (typeof step === 'number') return `[${step}]`;
      return at === 0 ? step : `.${step}`;
    })
    .join('');
}
