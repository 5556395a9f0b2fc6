import type { Part } from './go-template.ts';

/** One document of the chart: what `src/install` writes, with Helm's values in their places. */
export interface ChartDocument {
  readonly name: string;
  /** Conditions under which it is written, all of them. */
  readonly conditions: readonly string[];
  /** Once for each item (`$each`) of this list. */
  readonly each?: string;
  readonly body: Part;
}
