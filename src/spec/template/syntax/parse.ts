import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { quoteBytes } from '../text/quote.ts';
import { toText } from '../byte-text.ts';
import { unquote } from '../text/unquote.ts';
import { lex } from './lex.ts';
import type { BranchNode, Item, PipeNode, TemplateSet } from './nodes.ts';
import { parsePipeline } from './parse-pipeline.ts';
import type { Scope } from './parse-pipeline.ts';
import { showToken } from './token.ts';
import type { Token } from './token.ts';
import { TokenReader } from './token-reader.ts';

/** How lists of items end. */
type End = { readonly kind: 'end' | 'else'; readonly token: Token };

/** The deepest nesting of actions; more is no specification. */
const maxNesting = 100;

/** Parses a template. `names` says which names are functions. */
export function parseTemplate(source: string, names: Omit<Scope, 'variables'>): TemplateSet {
  return new Parser(source, names).run();
}

class Parser {
  readonly #reader: TokenReader;
  readonly #names: Omit<Scope, 'variables'>;
  readonly #set = new Map<ByteText, readonly Item[]>();
  #variables: string[] = ['$'];
  #ranges = 0;
  #nesting = 0;

  constructor(source: string, names: Omit<Scope, 'variables'>) {
    this.#reader = new TokenReader(lex(source));
    this.#names = names;
  }

  run(): TemplateSet {
    const items: Item[] = [];
    const reader = this.#reader;
    while (reader.peek().kind !== 'eof') {
      if (reader.peek().kind === 'left') {
        const mark = reader.mark();
        const left = reader.next();
        if (reader.nextWord().kind === 'define') {
          reader.actionAt = left.offset;
          this.#define();
          continue;
        }
        reader.back(mark);
      }
      const item = this.#item();
      if ('token' in item) throw reader.error(`unexpected ${showEnd(item)}`);
      items.push(item);
    }
    this.#add('', items);
    return this.#set;
  }

  #add(name: ByteText, items: readonly Item[]): void {
    const there = this.#set.get(name);
    if (there === undefined || isEmpty(there)) {
      this.#set.set(name, items);
    } else if (!isEmpty(items)) {
      const shown = toText(quoteBytes(name));
      throw this.#reader.error(`template: multiple definition of template ${shown}`);
    }
  }

  #define(): void {
    const context = 'define clause';
    const name = this.#templateName(context);
    this.#reader.expect('right', context);
    this.#reader.actionAt = undefined;
    this.#add(name, this.#separate(context));
  }

  /** The body of a `define` or a `block`: variables and ranges around it are not seen. */
  #separate(context: string): readonly Item[] {
    const outer = { variables: this.#variables, ranges: this.#ranges };
    this.#variables = ['$'];
    this.#ranges = 0;
    const { items, end } = this.#list();
    if (end.kind !== 'end') throw this.#reader.error(`unexpected ${showEnd(end)} in ${context}`);
    this.#variables = outer.variables;
    this.#ranges = outer.ranges;
    return items;
  }

  #templateName(context: string): ByteText {
    const token = this.#reader.nextWord();
    if (token.kind !== 'string') throw this.#reader.unexpected(token, context);
    const name = unquote(token.text);
    if (name === undefined) throw this.#reader.error('invalid syntax');
    return name;
  }

  /** Items up to an `end` or `else`. */
  #list(): { readonly items: readonly Item[]; readonly end: End } {
    this.#nesting++;
    if (this.#nesting > maxNesting) {
      throw this.#reader.error(`actions are nested deeper than ${maxNesting}`);
    }
    const items: Item[] = [];
    while (this.#reader.peekWord().kind !== 'eof') {
      const item = this.#item();
      if ('token' in item) {
        this.#nesting--;
        return { items, end: item };
      }
      items.push(item);
    }
    throw this.#reader.error('unexpected EOF');
  }

  #item(): Item | End {
    const token = this.#reader.nextWord();
    if (token.kind === 'text') {
      return { kind: 'text', offset: token.offset, bytes: toBytes(token.text) };
    }
    if (token.kind !== 'left') throw this.#reader.unexpected(token, 'input');
    this.#reader.actionAt = token.offset;
    const item = this.#action();
    this.#reader.actionAt = undefined;
    return item;
  }

  #action(): Item | End {
    const reader = this.#reader;
    const mark = reader.mark();
    const token = reader.nextWord();
    const { kind } = token;
    if (kind === 'block') return this.#block();
    if (kind === 'break' || kind === 'continue') return this.#jump(kind, token);
    if (kind === 'else') return this.#else();
    if (kind === 'end') return { kind, token: reader.expect('right', 'end') };
    if (kind === 'if' || kind === 'with' || kind === 'range') return this.#branch(kind);
    if (kind === 'template') return this.#template();
    reader.back(mark);
    const first = reader.peekWord();
    return { kind: 'action', offset: first.offset, pipe: this.#pipeline('command') };
  }

  #pipeline(context: string): PipeNode {
    const scope = { variables: this.#variables, ...this.#names };
    return parsePipeline(this.#reader, scope, { context, end: 'right' });
  }

  #jump(kind: 'break' | 'continue', token: Token): Item {
    const next = this.#reader.nextWord();
    if (next.kind !== 'right') throw this.#reader.unexpected(next, `{{${kind}}}`);
    if (this.#ranges === 0) throw this.#reader.error(`{{${kind}}} outside {{range}}`);
    return { kind, offset: token.offset };
  }

  #else(): End {
    const next = this.#reader.peekWord();
    if (next.kind === 'if' || next.kind === 'with') return { kind: 'else', token: next };
    return { kind: 'else', token: this.#reader.expect('right', 'else') };
  }

  #branch(kind: BranchNode['kind']): BranchNode {
    const seen = this.#variables.length;
    const pipe = this.#pipeline(kind);
    if (kind === 'range') this.#ranges++;
    const { items, end } = this.#list();
    if (kind === 'range') this.#ranges--;
    const otherwise = end.kind === 'else' ? this.#otherwise(kind) : undefined;
    this.#variables.length = seen;
    return { kind, offset: pipe.offset, pipe, body: items, otherwise };
  }

  #otherwise(kind: BranchNode['kind']): readonly Item[] {
    const next = this.#reader.peek();
    if ((kind === 'if' || kind === 'with') && next.kind === kind) {
      this.#reader.next();
      this.#nesting++;
      if (this.#nesting > maxNesting) {
        throw this.#reader.error(`actions are nested deeper than ${maxNesting}`);
      }
      const chained = this.#branch(kind);
      this.#nesting--;
      return [chained];
    }
    const { items, end } = this.#list();
    if (end.kind !== 'end') throw this.#reader.error(`expected end; found ${showEnd(end)}`);
    return items;
  }

  #block(): Item {
    const context = 'block clause';
    const { offset } = this.#reader.peekWord();
    const name = this.#templateName(context);
    const pipe = this.#pipeline(context);
    this.#add(name, this.#separate(context));
    return { kind: 'template', offset, name, pipe };
  }

  #template(): Item {
    const context = 'template clause';
    const { offset } = this.#reader.peekWord();
    const name = this.#templateName(context);
    const mark = this.#reader.mark();
    if (this.#reader.nextWord().kind === 'right') {
      return { kind: 'template', offset, name, pipe: undefined };
    }
    this.#reader.back(mark);
    return { kind: 'template', offset, name, pipe: this.#pipeline(context) };
  }
}

function showEnd(end: End): string {
  if (end.kind === 'end') return '{{end}}';
  return end.token.kind === 'right' || end.token.kind === 'if' || end.token.kind === 'with'
    ? '{{else}}'
    : showToken(end.token);
}

function isEmpty(items: readonly Item[]): boolean {
  return items.every((item) => item.kind === 'text' && /^\s*$/.test(item.bytes));
}
