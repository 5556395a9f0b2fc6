import type { ByteText } from '../byte-text.ts';

interface At {
  readonly offset: number;
}

/** A number as it was written, under every type that can hold it. */
export interface NumberNode extends At {
  readonly kind: 'number';
  readonly text: string;
  readonly int: bigint | undefined;
  readonly uint: bigint | undefined;
  readonly float: number | undefined;
}

/** `foo`: a function. */
export interface IdentifierNode extends At {
  readonly kind: 'identifier';
  readonly name: string;
}

/** `.a.b` */
export interface FieldNode extends At {
  readonly kind: 'field';
  readonly names: readonly string[];
}

/** `$x.a`: the first name is the variable, with its dollar sign. */
export interface VariableNode extends At {
  readonly kind: 'variable';
  readonly names: readonly string[];
}

/** `(…).a.b` */
export interface ChainNode extends At {
  readonly kind: 'chain';
  readonly of: Operand;
  readonly names: readonly string[];
}

/** `"text"` */
export interface StringNode extends At {
  readonly kind: 'string';
  readonly quoted: string;
  readonly bytes: ByteText;
}

/** `true` or `false`. */
export interface BoolNode extends At {
  readonly kind: 'bool';
  readonly value: boolean;
}

/** One word of a command. */
export type Operand =
  | NumberNode
  | IdentifierNode
  | FieldNode
  | VariableNode
  | ChainNode
  | StringNode
  | BoolNode
  | PipeNode
  | ({ readonly kind: 'dot' } & At)
  | ({ readonly kind: 'nil' } & At);

/** Words between pipes. */
export interface CommandNode extends At {
  readonly kind: 'command';
  readonly args: readonly Operand[];
}

/** `$x := a | b` */
export interface PipeNode extends At {
  readonly kind: 'pipe';
  readonly assigns: boolean;
  readonly declared: readonly VariableNode[];
  readonly commands: readonly CommandNode[];
}

/** `if`, `with` and `range`, which have the same shape. */
export interface BranchNode extends At {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipe: PipeNode;
  readonly body: readonly Item[];
  readonly otherwise: readonly Item[] | undefined;
}

/** `{{template "name" pipe}}` */
export interface TemplateNode extends At {
  readonly kind: 'template';
  readonly name: ByteText;
  readonly pipe: PipeNode | undefined;
}

/** What a template is a list of. */
export type Item =
  | ({ readonly kind: 'text'; readonly bytes: ByteText } & At)
  | ({ readonly kind: 'action'; readonly pipe: PipeNode } & At)
  | ({ readonly kind: 'break' | 'continue' } & At)
  | BranchNode
  | TemplateNode;

/** Everything that one text defines; the text itself has the empty name. */
export type TemplateSet = ReadonlyMap<ByteText, readonly Item[]>;
