import type { Value } from '../values.ts';

/** The variables that are seen at one point, the innermost last. */
export class Variables {
  readonly #stack: { readonly name: string; value: Value }[] = [];

  push(name: string, value: Value): void {
    this.#stack.push({ name, value });
  }

  /** A height to come back to. */
  mark(): number {
    return this.#stack.length;
  }

  back(mark: number): void {
    this.#stack.length = mark;
  }

  get(name: string): Value {
    return this.#find(name)?.value;
  }

  /** Whether there is such a variable, which is then changed. */
  assign(name: string, value: Value): boolean {
    const found = this.#find(name);
    if (found !== undefined) found.value = value;
    return found !== undefined;
  }

  /** Sets the nth from the top, 1 being the last one. */
  setTop(n: number, value: Value): void {
    const found = this.#stack.at(-n);
    if (found !== undefined) found.value = value;
  }

  #find(name: string): { readonly name: string; value: Value } | undefined {
    return this.#stack.findLast((variable) => variable.name === name);
  }
}
