import type { ByteText } from '../byte-text.ts';
import { quoteBytes } from '../text/quote.ts';
import { toText } from '../byte-text.ts';
import { formatValue } from '../text/format-value.ts';
import type { BranchNode, Item, PipeNode, TemplateNode, TemplateSet } from '../syntax/nodes.ts';
import { compareBytes, GoInt, GoList, GoMap, int, isTrue } from '../values.ts';
import type { Value } from '../values.ts';
import { Evaluator } from './evaluate.ts';
import type { TemplateFunction, World } from './function.ts';
import type { LineWriter } from './line-writer.ts';
import type { Variables } from './variables.ts';

/** How a list of items ended: `break` and `continue` are for the range around it. */
type Outcome = 'done' | 'break' | 'continue';

/** What one run of a template needs. */
export interface Execution {
  readonly set: TemplateSet;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  readonly world: World;
  readonly writer: LineWriter;
}

/** Writes what a template says about `data`. */
export function execute(execution: Execution, data: Value): void {
  new Walker(execution, new Evaluator(execution, data), 0).walk(execution.set.get('') ?? [], data);
}

class Walker {
  readonly #execution: Execution;
  readonly #evaluator: Evaluator;
  readonly #depth: number;

  constructor(execution: Execution, evaluator: Evaluator, depth: number) {
    this.#execution = execution;
    this.#evaluator = evaluator;
    this.#depth = depth;
  }

  walk(items: readonly Item[], dot: Value): Outcome {
    for (const item of items) {
      this.#evaluator.step(item);
      const outcome = this.#item(item, dot);
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  #item(item: Item, dot: Value): Outcome {
    const { writer, world } = this.#execution;
    switch (item.kind) {
      case 'text':
        writer.text(item.bytes, item.offset);
        return 'done';
      case 'action': {
        const value = this.#evaluator.pipeline(dot, item.pipe);
        if (item.pipe.declared.length > 0) return 'done';
        const shown = value === undefined ? '<no value>' : formatValue(value, world.budget);
        writer.action(shown, item.offset);
        return 'done';
      }
      case 'break':
      case 'continue':
        return item.kind;
      case 'template':
        this.#template(item, dot);
        return 'done';
      case 'range':
        return this.#range(item, dot);
      case 'if':
      case 'with':
        break;
    }
    return this.#branch(item, dot);
  }

  #branch(item: BranchNode, dot: Value): Outcome {
    const { variables } = this.#evaluator;
    const mark = variables.mark();
    const value = this.#evaluator.pipeline(dot, item.pipe);
    const outcome = isTrue(value)
      ? this.walk(item.body, item.kind === 'with' ? value : dot)
      : this.walk(item.otherwise ?? [], dot);
    variables.back(mark);
    return outcome;
  }

  #template(item: TemplateNode, dot: Value): void {
    const body = this.#execution.set.get(item.name);
    if (body === undefined) {
      const name = toText(quoteBytes(item.name));
      throw this.#evaluator.error(item, `template ${name} not defined`);
    }
    const { depth } = this.#execution.world.budget.limits;
    if (this.#depth >= depth) {
      throw this.#evaluator.error(item, `exceeded maximum template depth (${depth})`);
    }
    const value = item.pipe === undefined ? undefined : this.#evaluator.pipeline(dot, item.pipe);
    const inner = new Evaluator(this.#execution, value);
    new Walker(this.#execution, inner, this.#depth + 1).walk(body, value);
  }

  #range(item: BranchNode, dot: Value): Outcome {
    const { variables } = this.#evaluator;
    const outer = variables.mark();
    const over = this.#evaluator.pipeline(dot, item.pipe);
    const inner = variables.mark();
    let ran = false;
    let outcome: Outcome = 'done';
    for (const [key, value] of this.#elements(over, item.pipe)) {
      ran = true;
      this.#evaluator.step(item);
      assignRange(variables, item.pipe, key, value);
      const ended = this.walk(item.body, value);
      variables.back(inner);
      if (ended === 'break') break;
    }
    if (!ran) outcome = this.walk(item.otherwise ?? [], dot);
    variables.back(outer);
    return outcome;
  }

  /** The pairs of index and element that a value has. */
  *#elements(over: Value, pipe: PipeNode): Generator<readonly [Value, Value]> {
    if (over === undefined) return;
    if (over instanceof GoList) {
      for (const [index, value] of over.items.entries()) yield [int(index), value];
    } else if (over instanceof GoMap) {
      for (const key of [...over.entries.keys()].sort(compareBytes)) {
        yield [key, over.entries.get(key)];
      }
    } else if (over instanceof GoInt) {
      if (pipe.declared.length > 1) {
        const why = `can't use ${over.value} to iterate over more than one variable`;
        throw this.#evaluator.errorHere(why);
      }
      for (let i = 0n; i < over.value; i++) yield [undefined, new GoInt(over.type, i)];
    } else {
      const shown: ByteText = formatValue(over, this.#execution.world.budget);
      throw this.#evaluator.errorHere(`range can't iterate over ${toText(shown)}`);
    }
  }
}

/** Sets the variables of a range for one element; a single one is the element. */
function assignRange(variables: Variables, pipe: PipeNode, key: Value, value: Value): void {
  const [first, second] = pipe.declared.map((variable) => variable.names[0] ?? '');
  if (first === undefined) return;
  const set = (name: string, depth: number, to: Value): void => {
    if (pipe.assigns) variables.assign(name, to);
    else variables.setTop(depth, to);
  };
  if (second === undefined) {
    set(first, 1, value);
  } else {
    set(first, 2, key);
    set(second, 1, value);
  }
}
