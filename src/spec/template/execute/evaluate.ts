import { TemplateError } from '../template-error.ts';
import type { Item, Operand, PipeNode, CommandNode, NumberNode } from '../syntax/nodes.ts';
import { showNode } from '../syntax/show-node.ts';
import type { Place } from '../syntax/show-node.ts';
import { toBytes } from '../byte-text.ts';
import { GoFloat, GoMap, int, isTrue, typeName } from '../values.ts';
import type { Value } from '../values.ts';
import type { Execution } from './execute.ts';
import { fits, paramTypes } from './function.ts';
import type { Param } from './function.ts';
import { methodOf } from './methods.ts';
import { Variables } from './variables.ts';

/** What a pipeline hands to its next command; no value is not the value nil. */
type Final = { readonly value: Value } | undefined;

/** Computes pipelines. Each template that is called has its own, with its own variables. */
export class Evaluator {
  readonly variables = new Variables();
  readonly #execution: Execution;
  #here: Place | undefined;

  constructor(execution: Execution, data: Value) {
    this.#execution = execution;
    this.variables.push('$', data);
  }

  /** Counts an item as work. */
  step(item: Item): void {
    this.#bounded({ kind: 'dot', offset: item.offset }, () => {
      this.#execution.world.budget.step();
    });
  }

  /** An error at a node. */
  error(node: Place, message: string, cause?: TemplateError): TemplateError {
    return new TemplateError(cause?.code ?? 'BadCall', message, {
      offset: node.offset,
      at: showNode(node),
      cause,
    });
  }

  /** An error where the evaluation was last. */
  errorHere(message: string): TemplateError {
    return this.error(this.#here ?? { kind: 'dot', offset: 0 }, message);
  }

  /** The value of a pipeline; its variables are declared or assigned. */
  pipeline(dot: Value, pipe: PipeNode): Value {
    this.#here = pipe;
    let final: Final;
    for (const command of pipe.commands) final = { value: this.#command(dot, command, final) };
    for (const { names } of pipe.declared) {
      const name = names[0] ?? '';
      if (!pipe.assigns) this.variables.push(name, final?.value);
      else if (!this.variables.assign(name, final?.value)) {
        throw this.errorHere(`undefined variable: ${name}`);
      }
    }
    return final?.value;
  }

  #command(dot: Value, command: CommandNode, final: Final): Value {
    const [first, ...args] = command.args;
    if (first === undefined) return undefined;
    switch (first.kind) {
      case 'identifier':
        return this.#call(dot, { name: first.name, at: first, calling: command, args, final });
      case 'field':
        this.#here = first;
        return this.#chain(dot, dot, first, first.names, args, final);
      case 'chain':
        return this.#chainNode(dot, first, args, final);
      case 'variable':
        return this.#variable(dot, first, args, final);
      case 'pipe':
        this.#notFunction(first, args, final);
        return this.pipeline(dot, first);
      case 'nil':
        this.#here = first;
        this.#notFunction(first, args, final);
        throw this.error(first, 'nil is not a command');
      case 'bool':
      case 'dot':
      case 'number':
      case 'string':
        break;
    }
    this.#here = first;
    this.#notFunction(first, args, final);
    return this.#literal(dot, first);
  }

  #notFunction(first: Operand, args: readonly Operand[], final: Final): void {
    if (args.length === 0 && final === undefined) return;
    throw this.errorHere(`can't give argument to non-function ${showNode(first)}`);
  }

  /** A word that stands for itself, where nothing says of which type it has to be. */
  #literal(dot: Value, node: Operand): Value {
    this.#here = node;
    switch (node.kind) {
      case 'bool':
        return node.value;
      case 'dot':
        return dot;
      case 'number':
        return this.#ideal(node);
      case 'string':
        return node.bytes;
      case 'nil':
        return undefined;
      case 'field':
        return this.#chain(dot, dot, node, node.names, [], undefined);
      case 'variable':
        return this.#variable(dot, node, [], undefined);
      case 'chain':
        return this.#chainNode(dot, node, [], undefined);
      case 'identifier':
        return this.#call(dot, {
          name: node.name,
          at: node,
          calling: node,
          args: [],
          final: undefined,
        });
      case 'pipe':
        break;
    }
    return this.pipeline(dot, node);
  }

  /** A number where nothing says of which type it has to be: its syntax does. */
  #ideal(node: NumberNode): Value {
    const fraction = /[.eEpP]/.test(node.text) && !/^(?:'|0[xX][^pP]*$)/.test(node.text);
    if (fraction && node.float !== undefined) return new GoFloat(node.float);
    if (node.int !== undefined) return int(node.int);
    throw this.error(node, `${node.text} overflows int`);
  }

  #variable(
    dot: Value,
    node: Operand & { readonly kind: 'variable' },
    args: readonly Operand[],
    final: Final,
  ): Value {
    this.#here = node;
    const [name = '', ...names] = node.names;
    const value = this.variables.get(name);
    if (names.length > 0) return this.#chain(dot, value, node, names, args, final);
    this.#notFunction(node, args, final);
    return value;
  }

  #chainNode(
    dot: Value,
    node: Operand & { readonly kind: 'chain' },
    args: readonly Operand[],
    final: Final,
  ): Value {
    this.#here = node;
    if (node.of.kind === 'nil') {
      throw this.error(node, `indirection through explicit nil in ${showNode(node)}`);
    }
    const value = this.#literal(dot, node.of);
    return this.#chain(dot, value, node, node.names, args, final);
  }

  #chain(
    dot: Value,
    from: Value,
    node: Operand,
    names: readonly string[],
    args: readonly Operand[],
    final: Final,
  ): Value {
    const last = names.length - 1;
    return names.reduce<Value>(
      (receiver, name, index) =>
        index === last
          ? this.#field(dot, receiver, node, name, args, final)
          : this.#field(dot, receiver, node, name, [], undefined),
      from,
    );
  }

  #field(
    dot: Value,
    receiver: Value,
    node: Operand,
    name: string,
    args: readonly Operand[],
    final: Final,
  ): Value {
    if (receiver === undefined) return undefined;
    const method = methodOf(receiver, name);
    if (method !== undefined) {
      return this.#call(dot, { name, at: node, calling: node, args, final, method });
    }
    if (receiver instanceof GoMap) {
      if (args.length > 0 || final !== undefined) {
        throw this.errorHere(`${name} is not a method but has arguments`);
      }
      const key = toBytes(name);
      if (receiver.strict && !receiver.entries.has(key)) {
        throw this.errorHere(`map has no entry for key "${name}"`);
      }
      return receiver.entries.get(key);
    }
    throw this.errorHere(`can't evaluate field ${name} in type ${typeName(receiver)}`);
  }

  #call(dot: Value, call: Call): Value {
    const { name, at, args, final } = call;
    if (call.method === undefined) this.#here = at;
    const logic = call.method === undefined && (name === 'and' || name === 'or') ? name : undefined;
    if (logic !== undefined) return this.#logic(dot, logic, args, final);
    const found = call.method ?? this.#execution.functions.get(name);
    if (found === undefined) throw this.error(at, `"${name}" is not a defined function`);
    const given = args.length + (final === undefined ? 0 : 1);
    const fixed = found.params.length;
    if (found.rest === undefined ? given !== fixed : given < fixed) {
      const least = found.rest === undefined ? '' : 'at least ';
      const got = found.rest === undefined ? given : args.length;
      throw this.errorHere(`wrong number of args for ${name}: want ${least}${fixed} got ${got}`);
    }
    const values = args.map((arg, i) =>
      this.#argument(dot, found.params[i] ?? found.rest ?? 'any', arg),
    );
    if (final !== undefined) {
      values.push(this.#typed(final.value, found.params[args.length] ?? found.rest ?? 'any'));
    }
    const { world } = this.#execution;
    return this.#bounded(
      call.calling,
      () => {
        world.budget.step();
        return found.call(world, values);
      },
      `error calling ${name}: `,
    );
  }

  /** Runs what knows no place, and gives its errors one. */
  #bounded<T>(place: Place, run: () => T, prefix = ''): T {
    try {
      return run();
    } catch (thrown) {
      if (!(thrown instanceof TemplateError) || thrown.offset !== undefined) throw thrown;
      const message = thrown.code === 'BadCall' ? `${prefix}${thrown.message}` : thrown.message;
      throw this.error(place, message, thrown);
    }
  }

  /** `and` and `or` leave out what is behind the value that decides. */
  #logic(dot: Value, name: 'and' | 'or', args: readonly Operand[], final: Final): Value {
    const given = args.length + (final === undefined ? 0 : 1);
    if (given === 0) {
      throw this.errorHere(`wrong number of args for ${name}: want at least 1 got 0`);
    }
    let value: Value;
    for (const arg of args) {
      value = this.#argument(dot, 'any', arg);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return final === undefined ? value : final.value;
  }

  #argument(dot: Value, param: Param, node: Operand): Value {
    this.#here = node;
    switch (node.kind) {
      case 'nil':
        if (param === 'any' || param === 'map' || param === 'list') return undefined;
        throw this.error(node, `cannot assign nil to ${paramTypes[param]}`);
      case 'bool':
      case 'number':
      case 'string':
        return this.#literalArgument(param, node);
      case 'chain':
      case 'dot':
      case 'field':
      case 'identifier':
      case 'pipe':
      case 'variable':
        break;
    }
    return this.#typed(this.#literal(dot, node), param);
  }

  #literalArgument(param: Param, node: Operand): Value {
    if (param === 'any') return this.#literal(undefined, node);
    if (param === 'string') {
      if (node.kind === 'string') return node.bytes;
      throw this.error(node, `expected string; found ${showNode(node)}`);
    }
    if (param === 'bool') {
      if (node.kind === 'bool') return node.value;
      throw this.error(node, `expected bool; found ${showNode(node)}`);
    }
    if (param === 'int') {
      if (node.kind === 'number' && node.int !== undefined) return int(node.int);
      throw this.error(node, `expected integer; found ${showNode(node)}`);
    }
    if (param === 'float64') {
      if (node.kind === 'number' && node.float !== undefined) return new GoFloat(node.float);
      throw this.error(node, `expected float; found ${showNode(node)}`);
    }
    const type = paramTypes[param];
    throw this.error(node, `can't handle ${showNode(node)} for arg of type ${type}`);
  }

  /** A value where one of a type is wanted. */
  #typed(value: Value, param: Param): Value {
    if (fits(param, value)) return value;
    if (value === undefined) throw this.errorHere(`invalid value; expected ${paramTypes[param]}`);
    const got = typeName(value);
    throw this.errorHere(`wrong type for value; expected ${paramTypes[param]}; got ${got}`);
  }
}

interface Call {
  readonly name: string;
  /** The word that names the function. */
  readonly at: Place;
  /** What is named when the function fails. */
  readonly calling: Place;
  readonly args: readonly Operand[];
  readonly final: Final;
  readonly method?: NonNullable<ReturnType<typeof methodOf>>;
}
