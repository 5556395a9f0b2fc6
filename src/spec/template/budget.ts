import { TemplateError } from './template-error.ts';

/** How much a template may do: a specification is small, and one from a cluster may be hostile. */
export interface Limits {
  /** Nodes walked, values visited, steps of a regular expression. */
  readonly steps: number;
  /** Bytes of all strings and lists made on the way. */
  readonly bytes: number;
  /** Bytes of the expanded text. */
  readonly output: number;
  /** Templates within templates, values within values. */
  readonly depth: number;
}

/** The limits of a specification. */
export const specificationLimits: Limits = {
  steps: 2_000_000,
  bytes: 64 * 1024 * 1024,
  output: 4 * 1024 * 1024,
  depth: 200,
};

/** What is left of the limits of one expansion. */
export class Budget {
  readonly limits: Limits;
  #steps = 0;
  #bytes = 0;
  #output = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Counts work done. */
  step(count = 1): void {
    this.#steps += count;
    if (!(this.#steps <= this.limits.steps)) {
      throw new TemplateError('TooMuch', `the template takes more than ${this.limits.steps} steps`);
    }
  }

  /** Counts what is going to be made, before it is made. */
  make(bytes: number): void {
    this.#bytes += bytes;
    if (!(this.#bytes <= this.limits.bytes)) {
      throw new TemplateError(
        'TooMuch',
        `the template makes more than ${this.limits.bytes / 1024 / 1024} MiB of values`,
      );
    }
  }

  /** Counts expanded text. */
  write(bytes: number): void {
    this.#output += bytes;
    if (!(this.#output <= this.limits.output)) {
      throw new TemplateError(
        'TooMuch',
        `the expanded text is longer than ${this.limits.output / 1024 / 1024} MiB`,
      );
    }
  }

  /** Refuses what goes deeper than values do that are not within themselves. */
  deep(depth: number): void {
    this.step();
    if (depth > this.limits.depth) {
      throw new TemplateError('TooMuch', `values are nested deeper than ${this.limits.depth}`);
    }
  }
}
