import { quoteGo } from '../text/quote.ts';
import { isKeyword } from './token.ts';
import type { Token, TokenKind } from './token.ts';

const space = /[ \t\r\n]/;
const alphanumeric = /[\p{L}\p{Nd}_]/u;
const numberPattern =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const doubleQuoted = /"(?:\\[^\n]|[^"\\\n])*"/y;
const singleQuoted = /'(?:\\[^\n]|[^'\\\n])*'/y;
const printableAscii = /[!-~]/;

/** The tokens of a template. After the first error there are no more. */
export function lex(source: string): readonly Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #parens = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): readonly Token[] {
    while (this.#text() && this.#action());
    return this.#tokens;
  }

  #emit(kind: TokenKind, end: number): true {
    this.#tokens.push({ kind, offset: this.#at, text: this.#source.slice(this.#at, end) });
    this.#at = end;
    return true;
  }

  #error(text: string, offset = this.#at): false {
    this.#tokens.push({ kind: 'error', offset, text });
    return false;
  }

  /** Everything up to the next action; false when there is none. */
  #text(): boolean {
    for (;;) {
      const start = this.#source.indexOf('{{', this.#at);
      if (start < 0) {
        if (this.#at < this.#source.length) this.#emit('text', this.#source.length);
        this.#emit('eof', this.#source.length);
        return false;
      }
      const trims = this.#source[start + 2] === '-' && isSpace(this.#source[start + 3]);
      const end = trims ? this.#trimmedEnd(start) : start;
      if (end > this.#at) this.#emit('text', end);
      this.#at = start;
      const inside = start + (trims ? 4 : 2);
      if (!this.#source.startsWith('/*', inside)) {
        this.#emit('left', start + 2);
        this.#at = inside;
        this.#parens = 0;
        return true;
      }
      if (!this.#comment(inside)) return false;
    }
  }

  /** Where the text before an action ends without its blanks. */
  #trimmedEnd(start: number): number {
    let end = start;
    while (end > this.#at && isSpace(this.#source[end - 1])) end--;
    return end;
  }

  #comment(start: number): boolean {
    const close = this.#source.indexOf('*/', start + 2);
    if (close < 0) return this.#error('unclosed comment', start);
    const end = this.#rightDelimiter(close + 2);
    if (end === undefined) return this.#error('comment ends before closing delimiter', start);
    this.#at = end.next;
    return true;
  }

  /** The right delimiter at `at`, with its trim marker, and where the text behind it begins. */
  #rightDelimiter(at: number): { readonly start: number; readonly next: number } | undefined {
    if (this.#source.startsWith('}}', at)) return { start: at, next: at + 2 };
    if (!isSpace(this.#source[at]) || !this.#source.startsWith('-}}', at + 1)) return undefined;
    let next = at + 4;
    while (isSpace(this.#source[next])) next++;
    return { start: at + 2, next };
  }

  /** The inside of an action and its right delimiter; false after an error. */
  #action(): boolean {
    for (;;) {
      const end = this.#rightDelimiter(this.#at);
      if (end !== undefined) {
        if (this.#parens > 0) return this.#error('unclosed left paren');
        this.#at = end.start;
        this.#emit('right', end.start + 2);
        this.#at = end.next;
        return true;
      }
      if (!this.#inside()) return false;
    }
  }

  #inside(): boolean {
    const first = this.#source.codePointAt(this.#at);
    if (first === undefined) return this.#error('unclosed action');
    const letter = String.fromCodePoint(first);
    const next = this.#source[this.#at + 1] ?? '';
    if (isSpace(letter)) return this.#spaces();
    if (letter === '=') return this.#emit('assign', this.#at + 1);
    if (letter === ':') {
      return next === '=' ? this.#emit('declare', this.#at + 2) : this.#error('expected :=');
    }
    if (letter === '|') return this.#emit('pipe', this.#at + 1);
    if (letter === '"') return this.#quoted(doubleQuoted, 'string', 'unterminated quoted string');
    if (letter === "'") {
      return this.#quoted(singleQuoted, 'charConstant', 'unterminated character constant');
    }
    if (letter === '`') return this.#raw();
    if (letter === '$') return this.#name('variable', this.#at + 1);
    if (letter === '.' && !/[0-9]/.test(next)) return this.#name('field', this.#at + 1);
    if (/[.+\-0-9]/.test(letter)) return this.#number();
    if (alphanumeric.test(letter)) return this.#name('identifier', this.#at);
    if (letter === '(' || letter === ')') return this.#paren(letter);
    if (printableAscii.test(letter)) return this.#emit('char', this.#at + 1);
    return this.#error(`unrecognized character in action: ${showRune(letter)}`);
  }

  #spaces(): true {
    let end = this.#at;
    while (isSpace(this.#source[end])) end++;
    // The last blank belongs to a right delimiter with its trim marker.
    if (this.#source.startsWith('-}}', end)) end--;
    if (end > this.#at) this.#emit('space', end);
    return true;
  }

  #paren(letter: '(' | ')'): boolean {
    this.#parens += letter === '(' ? 1 : -1;
    if (this.#parens < 0) return this.#error('unexpected right paren');
    return this.#emit(letter, this.#at + 1);
  }

  #quoted(pattern: RegExp, kind: TokenKind, unterminated: string): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#source)) return this.#error(unterminated);
    return this.#emit(kind, pattern.lastIndex);
  }

  #raw(): boolean {
    const end = this.#source.indexOf('`', this.#at + 1);
    if (end < 0) return this.#error('unterminated raw quoted string');
    return this.#emit('string', end + 1);
  }

  #name(kind: 'variable' | 'field' | 'identifier', from: number): boolean {
    let end = from;
    while (alphanumeric.test(letterAt(this.#source, end)))
      end += letterAt(this.#source, end).length;
    if (!this.#terminates(end)) {
      const bad = letterAt(this.#source, end);
      return this.#error(`bad character ${showRune(bad)}`);
    }
    const word = this.#source.slice(this.#at, end);
    if (kind === 'field' && word === '.') return this.#emit('dot', end);
    if (kind !== 'identifier') return this.#emit(kind, end);
    if (isKeyword(word)) return this.#emit(word, end);
    return this.#emit(word === 'true' || word === 'false' ? 'bool' : 'identifier', end);
  }

  #terminates(at: number): boolean {
    const letter = this.#source[at];
    if (letter === undefined || isSpace(letter) || '.,|:)('.includes(letter)) return true;
    return this.#source.startsWith('}}', at);
  }

  #number(): boolean {
    const end = this.#scanNumber(this.#at);
    if (end === undefined) return this.#badNumber();
    if (!/[+-]/.test(this.#source[end] ?? '')) return this.#emit('number', end);
    const imaginary = this.#scanNumber(end);
    if (imaginary === undefined || this.#source[imaginary - 1] !== 'i') {
      return this.#badNumber(imaginary);
    }
    return this.#emit('complex', imaginary);
  }

  #scanNumber(from: number): number | undefined {
    numberPattern.lastIndex = from;
    numberPattern.test(this.#source);
    const end = numberPattern.lastIndex;
    return alphanumeric.test(letterAt(this.#source, end)) ? undefined : end;
  }

  #badNumber(end?: number): false {
    let until = end ?? numberPattern.lastIndex;
    if (end === undefined) until += letterAt(this.#source, until).length;
    return this.#error(`bad number syntax: ${quoteGo(this.#source.slice(this.#at, until))}`);
  }
}

function isSpace(letter: string | undefined): boolean {
  return letter !== undefined && space.test(letter);
}

function letterAt(source: string, at: number): string {
  const code = source.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** A character as Go's `%#U` prints it. */
function showRune(letter: string): string {
  const code = letter.codePointAt(0) ?? 0xfffd;
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  return /[\p{C}\p{Z}]/u.test(letter) && letter !== ' ' ? `U+${hex}` : `U+${hex} '${letter}'`;
}
