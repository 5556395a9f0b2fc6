import type { Budget } from '../budget.ts';
import { toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { compileRegular } from './compile-regular.ts';
import type { Step } from './compile-regular.ts';
import { matchRegular } from './match-regular.ts';
import type { Found } from './match-regular.ts';
import { parseRegular } from './parse-regular.ts';

/** A regular expression of Go's, which takes linear time. Texts are bytes, as everywhere here. */
export class RegularExpression {
  readonly #steps: readonly Step[];
  readonly #groups: readonly string[];
  readonly #budget: Budget;
  readonly source: string;

  constructor(source: ByteText, budget: Budget) {
    this.source = toText(source);
    this.#budget = budget;
    budget.step(source.length);
    const parsed = parseRegular(this.source);
    this.#groups = parsed.groups;
    this.#steps = compileRegular(parsed, this.source);
    budget.step(this.#steps.length);
  }

  #match(letters: readonly string[], from: number): Found | undefined {
    return matchRegular(this.#steps, letters, from, this.#budget);
  }

  #letters(bytes: ByteText): string[] {
    this.#budget.make(bytes.length * 8);
    return Array.from(toText(bytes));
  }

  /** Whether it is found anywhere. */
  test(bytes: ByteText): boolean {
    return this.#match(this.#letters(bytes), 0) !== undefined;
  }

  /** The first match, or ''. */
  find(bytes: ByteText): ByteText {
    const letters = this.#letters(bytes);
    const found = this.#match(letters, 0);
    return found === undefined ? '' : cut(letters, found[0], found[1]);
  }

  /** At most `limit` matches; all where it is negative. */
  findAll(bytes: ByteText, limit: number): ByteText[] {
    const letters = this.#letters(bytes);
    return this.#places(letters, limit).map(([start, end]) => cut(letters, start, end));
  }

  #places(letters: readonly string[], limit: number): (readonly [number, number])[] {
    const places: (readonly [number, number])[] = [];
    let at = 0;
    let before = -1;
    const most = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    while (at <= letters.length && places.length < most) {
      const found = this.#match(letters, at);
      const [start = 0, end = 0] = found ?? [];
      if (found === undefined) break;
      const empty = end === at;
      // Right behind a match there is no empty one.
      if (!empty || start !== before) places.push([start, end]);
      at = empty ? at + 1 : end;
      before = end;
    }
    return places;
  }

  /** Every match replaced by what `make` gives. */
  replace(bytes: ByteText, make: (group: (name: string) => ByteText) => ByteText): ByteText {
    const letters = this.#letters(bytes);
    let out = '';
    let behind = 0;
    let at = 0;
    while (at <= letters.length) {
      const found = this.#match(letters, at);
      const [start = 0, end = 0] = found ?? [];
      if (found === undefined) break;
      out += cut(letters, behind, start);
      if (end > behind || start === 0) {
        const made = make((name) => this.#group(letters, found, name));
        this.#budget.make(made.length);
        out += made;
      }
      behind = end;
      at = Math.max(at + 1, end);
    }
    return out + cut(letters, behind, letters.length);
  }

  #group(letters: readonly string[], found: Found, name: string): ByteText {
    const named = this.#groups.indexOf(name);
    const index = /^[0-9]+$/.test(name) ? Number(name) : named;
    const start = found[index * 2];
    return index < 0 || start === undefined ? '' : cut(letters, start, found[index * 2 + 1]);
  }

  /** What stands between the matches. */
  split(bytes: ByteText, limit: number): ByteText[] | undefined {
    if (limit === 0) return undefined;
    if (this.source.length > 0 && bytes === '') return [''];
    const letters = this.#letters(bytes);
    const parts: ByteText[] = [];
    let begin = 0;
    let end = 0;
    for (const [start, after] of this.#places(letters, limit)) {
      if (limit > 0 && parts.length === limit - 1) break;
      end = start;
      if (after !== 0) parts.push(cut(letters, begin, end));
      begin = after;
    }
    if (end !== letters.length) parts.push(cut(letters, begin, letters.length));
    return parts;
  }
}

function cut(letters: readonly string[], start = 0, end = 0): ByteText {
  return toBytes(letters.slice(start, end).join(''));
}
