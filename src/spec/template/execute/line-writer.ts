import type { Budget } from '../budget.ts';
import type { ByteText } from '../byte-text.ts';
import { toText } from '../byte-text.ts';

/** Collects the expanded text and remembers where each of its lines comes from. */
export class LineWriter {
  readonly #lineOf: (offset: number) => number;
  readonly #budget: Budget;
  readonly #parts: ByteText[] = [];
  readonly #lines: number[] = [];
  #lineHasSource = false;
  #lastSource = 1;

  constructor(lineOf: (offset: number) => number, budget: Budget) {
    this.#lineOf = lineOf;
    this.#budget = budget;
  }

  /** Text of the template, whose lines follow one another. */
  text(bytes: ByteText, offset: number): void {
    this.#write(bytes, this.#lineOf(offset), 1);
  }

  /** What an action gave: all of its lines come from the action's. */
  action(bytes: ByteText, offset: number): void {
    this.#write(bytes, this.#lineOf(offset), 0);
  }

  /** The whole text, and for each of its lines the line that it comes from. */
  finish(): { readonly text: string; readonly lines: readonly number[] } {
    if (!this.#lineHasSource) this.#lines.push(this.#lastSource);
    return { text: toText(this.#parts.join('')), lines: this.#lines };
  }

  #write(bytes: ByteText, source: number, step: 0 | 1): void {
    if (bytes === '') return;
    this.#budget.write(bytes.length);
    this.#parts.push(bytes);
    let line = source;
    let at = 0;
    for (;;) {
      if (at < bytes.length && !this.#lineHasSource) {
        this.#lines.push(line);
        this.#lineHasSource = true;
      }
      const end = bytes.indexOf('\n', at);
      if (end < 0) break;
      line += step;
      at = end + 1;
      this.#lineHasSource = false;
    }
    this.#lastSource = line;
  }
}
