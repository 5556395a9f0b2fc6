import { TemplateError } from '../template-error.ts';
import { showToken } from './token.ts';
import type { Token, TokenKind } from './token.ts';

/** Reads tokens, looks ahead, goes back, and knows where an error is. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #furthest = 0;
  /** Where the action begins that is being read. */
  actionAt: number | undefined;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  peek(): Token {
    this.#furthest = Math.max(this.#furthest, this.#at);
    const last = this.#tokens.at(-1);
    return this.#tokens[this.#at] ?? { kind: 'eof', offset: last?.offset ?? 0, text: '' };
  }

  /** The next token that is no blank. */
  nextWord(): Token {
    let token = this.next();
    while (token.kind === 'space') token = this.next();
    return token;
  }

  /** The same, without taking it; blanks before it are taken. */
  peekWord(): Token {
    while (this.peek().kind === 'space') this.next();
    return this.peek();
  }

  /** A place to go back to. */
  mark(): number {
    return this.#at;
  }

  back(mark: number): void {
    this.#at = mark;
  }

  expect(kind: TokenKind, context: string): Token {
    const token = this.nextWord();
    if (token.kind !== kind) throw this.unexpected(token, context);
    return token;
  }

  unexpected(token: Token, context: string): TemplateError {
    if (token.kind !== 'error') return this.error(`unexpected ${showToken(token)} in ${context}`);
    // An action that never ends is missed at its beginning, not at the end of the file.
    const unclosed = token.text === 'unclosed action' ? this.actionAt : undefined;
    return new TemplateError('BadTemplate', token.text, { offset: unclosed ?? token.offset });
  }

  /** An error where the reading is. */
  error(message: string): TemplateError {
    const token = this.#tokens[this.#furthest] ?? this.#tokens.at(-1);
    return new TemplateError('BadTemplate', message, { offset: token?.offset ?? 0 });
  }
}
