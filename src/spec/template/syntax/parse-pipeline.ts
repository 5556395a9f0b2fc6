import { unquote } from '../text/unquote.ts';
import { quoteGo } from '../text/quote.ts';
import { numberNode } from './number-node.ts';
import type { CommandNode, Operand, PipeNode, VariableNode } from './nodes.ts';
import { showNode } from './show-node.ts';
import type { TokenReader } from './token-reader.ts';
import type { TokenKind } from './token.ts';

/** What names mean where a pipeline stands. Variables that it declares are added. */
export interface Scope {
  readonly variables: string[];
  readonly isFunction: (name: string) => boolean;
  /** What to add to the words that a function is not defined. */
  readonly hintFor: (name: string) => string;
}

const maxParentheses = 100;

const beginsCommand: ReadonlySet<TokenKind> = new Set([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'string',
  'variable',
  '(',
]);

/** What may be no function, and so only stand first in a pipeline. */
const literal: ReadonlySet<Operand['kind']> = new Set(['bool', 'dot', 'nil', 'number', 'string']);

/** `$x, $y := command | command`, and the token that ends it. */
export function parsePipeline(
  reader: TokenReader,
  scope: Scope,
  where: { readonly context: string; readonly end: 'right' | ')'; readonly depth?: number },
): PipeNode {
  const { offset } = reader.peekWord();
  const { declared, assigns } = declarations(reader, scope, where.context);
  const commands: CommandNode[] = [];
  for (;;) {
    const mark = reader.mark();
    const token = reader.nextWord();
    if (token.kind === where.end) break;
    if (!beginsCommand.has(token.kind)) throw reader.unexpected(token, where.context);
    reader.back(mark);
    commands.push(command(reader, scope, where.depth ?? 0));
  }
  if (commands.length === 0) throw reader.error(`missing value for ${where.context}`);
  commands.slice(1).forEach((part, index) => {
    const first = part.args[0];
    if (first !== undefined && literal.has(first.kind)) {
      throw reader.error(`non executable command in pipeline stage ${index + 2}`);
    }
  });
  return { kind: 'pipe', offset, assigns, declared, commands };
}

function declarations(
  reader: TokenReader,
  scope: Scope,
  context: string,
): { readonly declared: readonly VariableNode[]; readonly assigns: boolean } {
  const declared: VariableNode[] = [];
  for (;;) {
    const mark = reader.mark();
    const variable = reader.peekWord();
    if (variable.kind !== 'variable') return { declared, assigns: false };
    const { offset, text } = reader.next();
    const next = reader.nextWord();
    const ends = next.kind === 'assign' || next.kind === 'declare';
    if (!ends && !(next.kind === 'char' && next.text === ',')) {
      reader.back(mark);
      return { declared, assigns: false };
    }
    declared.push({ kind: 'variable', offset, names: text.split('.') });
    scope.variables.push(text);
    if (ends) return { declared, assigns: next.kind === 'assign' };
    if (context !== 'range' || declared.length > 1) {
      throw reader.error(`too many declarations in ${context}`);
    }
    const after = reader.peekWord().kind;
    if (after !== 'variable' && after !== 'right' && after !== ')') {
      throw reader.error('range can only initialize variables');
    }
  }
}

function command(reader: TokenReader, scope: Scope, depth: number): CommandNode {
  const { offset } = reader.peekWord();
  const args: Operand[] = [];
  for (;;) {
    reader.peekWord();
    const word = operand(reader, scope, depth);
    if (word !== undefined) args.push(word);
    const mark = reader.mark();
    const token = reader.next();
    if (token.kind === 'space') continue;
    if (token.kind === 'right' || token.kind === ')') reader.back(mark);
    else if (token.kind !== 'pipe') throw reader.unexpected(token, 'operand');
    break;
  }
  if (args.length === 0) throw reader.error('empty command');
  return { kind: 'command', offset, args };
}

function operand(reader: TokenReader, scope: Scope, depth: number): Operand | undefined {
  const node = term(reader, scope, depth);
  if (node === undefined || reader.peek().kind !== 'field') return node;
  const { offset } = reader.peek();
  const names: string[] = [];
  while (reader.peek().kind === 'field') names.push(reader.next().text.slice(1));
  if (node.kind === 'field' || node.kind === 'variable') {
    return { kind: node.kind, offset, names: [...node.names, ...names] };
  }
  if (literal.has(node.kind)) {
    throw reader.error(`unexpected . after term ${quoteGo(showNode(node))}`);
  }
  return { kind: 'chain', offset, of: node, names };
}

function term(reader: TokenReader, scope: Scope, depth: number): Operand | undefined {
  const mark = reader.mark();
  const token = reader.nextWord();
  const { kind, offset, text } = token;
  if (kind === 'identifier') {
    if (scope.isFunction(text)) return { kind, offset, name: text };
    throw reader.error(`function ${quoteGo(text)} not defined${scope.hintFor(text)}`);
  }
  if (kind === 'dot' || kind === 'nil') return { kind, offset };
  if (kind === 'variable') {
    if (scope.variables.includes(text)) return { kind, offset, names: [text] };
    throw reader.error(`undefined variable ${quoteGo(text)}`);
  }
  if (kind === 'field') return { kind, offset, names: [text.slice(1)] };
  if (kind === 'bool') return { kind, offset, value: text === 'true' };
  if (kind === 'charConstant' || kind === 'complex' || kind === 'number') {
    const number = numberNode(token);
    if (typeof number === 'string') throw reader.error(number);
    return number;
  }
  if (kind === '(') {
    if (depth >= maxParentheses) throw reader.error('max expression depth exceeded');
    const inside = { context: 'parenthesized pipeline', end: ')', depth: depth + 1 } as const;
    return parsePipeline(reader, scope, inside);
  }
  if (kind === 'string') {
    const bytes = unquote(text);
    if (bytes === undefined) throw reader.error('invalid syntax');
    return { kind, offset, quoted: text, bytes };
  }
  reader.back(mark);
  return undefined;
}
