import { fault } from '../template-error.ts';
import type { TemplateError } from '../template-error.ts';
import { folded, not, perlClass, posixClass, unicodeClass } from './classes.ts';
import { readEscape } from './escape.ts';
import type { Matches, Regular, RegularNode } from './nodes.ts';

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly lazy: boolean;
}

const maxRepeat = 1000;
const maxNesting = 200;

/** What is wrong with a regular expression, in Go's words. */
export function regularFault(what: string, where: string): TemplateError {
  return fault(`error parsing regexp: ${what}: \`${where}\``);
}

/** Reads a regular expression of Go's (RE2's syntax). */
export function parseRegular(source: string): Regular {
  return new RegularParser(source).run();
}

class RegularParser {
  readonly #source: string;
  readonly #letters: readonly string[];
  readonly #groups: string[] = [''];
  #at = 0;
  #depth = 0;
  #flags: Flags = { fold: false, multiline: false, dotAll: false, lazy: false };

  constructor(source: string) {
    this.#source = source;
    this.#letters = Array.from(source);
  }

  run(): Regular {
    const node = this.#alternatives();
    if (this.#peek() === ')') throw regularFault('unexpected )', this.#source);
    return { node, groups: this.#groups };
  }

  #peek(ahead = 0): string | undefined {
    return this.#letters[this.#at + ahead];
  }

  #rest(from = this.#at): string {
    return this.#letters.slice(from).join('');
  }

  #take(text: string): boolean {
    const letters = Array.from(text);
    if (!letters.every((letter, i) => this.#peek(i) === letter)) return false;
    this.#at += letters.length;
    return true;
  }

  #alternatives(): RegularNode {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return nodes.length === 1 && nodes[0] !== undefined ? nodes[0] : { kind: 'any', nodes };
  }

  #sequence(): RegularNode {
    const nodes: RegularNode[] = [];
    for (;;) {
      const letter = this.#peek();
      if (letter === undefined || letter === '|' || letter === ')') return { kind: 'all', nodes };
      const start = this.#at;
      if ('*+?'.includes(letter)) {
        throw regularFault('missing argument to repetition operator', this.#operator());
      }
      const counts = letter === '{' ? this.#counts() : undefined;
      if (counts !== undefined) {
        throw regularFault('missing argument to repetition operator', this.#between(start));
      }
      nodes.push(...this.#atom().map((node) => node));
      const last = nodes.pop();
      if (last !== undefined) nodes.push(this.#repeated(last, start));
    }
  }

  #between(start: number): string {
    return this.#letters.slice(start, this.#at).join('');
  }

  #operator(): string {
    const operator = this.#peek() ?? '';
    return this.#peek(1) === '?' ? `${operator}?` : operator;
  }

  #repeated(node: RegularNode, atomStart: number): RegularNode {
    let result = node;
    let before: number | undefined;
    for (;;) {
      const start = this.#at;
      const counts = this.#repetition();
      if (counts === undefined) return result;
      if (counts.most !== undefined && (counts.least > counts.most || counts.most > maxRepeat)) {
        throw regularFault('invalid repeat count', this.#between(start));
      }
      if (counts.least > maxRepeat) {
        throw regularFault('invalid repeat count', this.#between(start));
      }
      const greedy = this.#take('?') === this.#flags.lazy;
      if (before !== undefined) {
        throw regularFault('invalid nested repetition operator', this.#between(before));
      }
      before = start;
      if (atomStart === start) return result;
      result = { kind: 'repeat', node: result, ...counts, greedy };
    }
  }

  #repetition(): { readonly least: number; readonly most: number | undefined } | undefined {
    if (this.#take('*')) return { least: 0, most: undefined };
    if (this.#take('+')) return { least: 1, most: undefined };
    if (this.#take('?')) return { least: 0, most: 1 };
    return this.#peek() === '{' ? this.#counts() : undefined;
  }

  /** `{2}`, `{2,}`, `{2,3}`; anything else is text. */
  #counts(): { readonly least: number; readonly most: number | undefined } | undefined {
    const match = /^\{(0|[1-9][0-9]{0,8})(,(0|[1-9][0-9]{0,8})?)?\}/.exec(this.#rest());
    if (match === null) return undefined;
    this.#at += match[0].length;
    const least = Number(match[1]);
    if (match[2] === undefined) return { least, most: least };
    return { least, most: match[3] === undefined ? undefined : Number(match[3]) };
  }

  #letter(matches: Matches): RegularNode {
    return { kind: 'letter', matches: this.#flags.fold ? folded(matches) : matches };
  }

  #literal(letter: string): RegularNode {
    return this.#letter((other) => other === letter);
  }

  /** What can be repeated; `\Q…\E` is several. */
  #atom(): RegularNode[] {
    const letter = this.#peek() ?? '';
    switch (letter) {
      case '(':
        return [this.#group()];
      case '[':
        return [this.#letter(this.#class())];
      case '.': {
        this.#at++;
        const { dotAll } = this.#flags;
        return [{ kind: 'letter', matches: (other) => dotAll || other !== '\n' }];
      }
      case '^':
        this.#at++;
        return [{ kind: 'assert', assertion: this.#flags.multiline ? 'lineStart' : 'textStart' }];
      case '$':
        this.#at++;
        return [{ kind: 'assert', assertion: this.#flags.multiline ? 'lineEnd' : 'textEnd' }];
      case '\\':
        return this.#escaped();
      default:
        this.#at++;
        return [this.#literal(letter)];
    }
  }

  #escaped(): RegularNode[] {
    if (this.#take('\\Q')) {
      const letters: RegularNode[] = [];
      while (this.#peek() !== undefined && !this.#take('\\E')) {
        letters.push(this.#literal(this.#peek() ?? ''));
        this.#at++;
      }
      return letters.length === 0 ? [{ kind: 'empty' }] : letters;
    }
    if (this.#take('\\A')) return [{ kind: 'assert', assertion: 'textStart' }];
    if (this.#take('\\z')) return [{ kind: 'assert', assertion: 'textEnd' }];
    if (this.#take('\\b')) return [{ kind: 'assert', assertion: 'word' }];
    if (this.#take('\\B')) return [{ kind: 'assert', assertion: 'notWord' }];
    return [this.#letter(this.#classEscape() ?? this.#letterEscape())];
  }

  /** `\d`, `\pL`, `\p{Greek}`. */
  #classEscape(): Matches | undefined {
    const known = perlClass(this.#peek(1) ?? '');
    if (known !== undefined) {
      this.#at += 2;
      return known;
    }
    const match = /^\\([pP])(?:\{(\^?)([^}]*)\}|([^{]))/u.exec(this.#rest());
    if (match === null) {
      if (/^\\[pP]/.test(this.#rest())) {
        throw regularFault('invalid character class range', this.#rest());
      }
      return undefined;
    }
    const found = unicodeClass(match[3] ?? match[4] ?? '');
    if (found === undefined) throw regularFault('invalid character class range', match[0]);
    this.#at += Array.from(match[0]).length;
    const negated = (match[1] === 'P') !== (match[2] === '^');
    return negated ? not(found) : found;
  }

  #letterEscape(): Matches {
    const letter = this.#escapedLetter();
    return (other) => other === letter;
  }

  #escapedLetter(): string {
    const escape = readEscape(this.#letters, this.#at);
    this.#at = escape.end;
    return escape.letter;
  }

  #group(): RegularNode {
    const start = this.#at;
    this.#depth++;
    if (this.#depth > maxNesting) {
      throw regularFault('expression nests too deeply', this.#source);
    }
    const outer = this.#flags;
    const opened = this.#openGroup();
    if (opened === 'flags') {
      this.#depth--;
      return { kind: 'empty' };
    }
    const node = this.#alternatives();
    if (!this.#take(')')) throw regularFault('missing closing )', this.#source);
    this.#flags = outer;
    this.#depth--;
    if (start < 0 || opened === 'plain') return node;
    return { kind: 'group', index: opened, node };
  }

  /** The number of the group that begins, or that it has none, or that it was only flags. */
  #openGroup(): number | 'plain' | 'flags' {
    const start = this.#at;
    this.#at++;
    if (this.#peek() !== '?') return this.#groups.push('') - 1;
    const named = /^\(\?P?<([^>]*)>/.exec(this.#rest(start));
    if (named !== null) {
      const name = named[1] ?? '';
      if (!/^\w+$/.test(name)) throw regularFault('invalid named capture', named[0]);
      this.#at = start + Array.from(named[0]).length;
      return this.#groups.push(name) - 1;
    }
    const flags = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(this.#rest(start));
    if (flags === null || flags[0] === '(?)') throw this.#badGroup(start);
    this.#at = start + flags[0].length;
    const on = flags[1] ?? '';
    const off = flags[2] ?? '';
    const flag = (letter: string, is: boolean): boolean =>
      off.includes(letter) ? false : is || on.includes(letter);
    this.#flags = {
      fold: flag('i', this.#flags.fold),
      multiline: flag('m', this.#flags.multiline),
      dotAll: flag('s', this.#flags.dotAll),
      lazy: flag('U', this.#flags.lazy),
    };
    return flags[3] === ')' ? 'flags' : 'plain';
  }

  #badGroup(start: number): TemplateError {
    const rest = this.#rest(start);
    if (/^\(\?P?</.test(rest)) {
      return regularFault('invalid named capture', rest);
    }
    const bad = /^\(\?[imsU-]*(?:[^imsU-])?/u.exec(rest)?.[0] ?? rest;
    if (bad === rest && /^\(\?[imsU-]*$/.test(rest)) {
      return regularFault('missing argument to repetition operator', '?');
    }
    return regularFault('invalid or unsupported Perl syntax', bad);
  }

  #class(): Matches {
    const start = this.#at;
    this.#at++;
    const negated = this.#take('^');
    const parts: Matches[] = [];
    for (let first = true; this.#peek() !== ']' || first; first = false) {
      if (this.#peek() === undefined) throw regularFault('missing closing ]', this.#rest(start));
      parts.push(this.#classPart(start));
    }
    this.#at++;
    const any = (letter: string): boolean => parts.some((matches) => matches(letter));
    const matches = this.#flags.fold ? folded(any) : any;
    return negated ? not(matches) : matches;
  }

  #classPart(start: number): Matches {
    const posix = /^\[:(\^?[a-z]+):\]/.exec(this.#rest());
    if (posix !== null) {
      const found = posixClass(posix[1] ?? '');
      if (found === undefined) throw regularFault('invalid character class range', posix[0]);
      this.#at += posix[0].length;
      return found;
    }
    if (this.#peek() === '\\') {
      const found = this.#classEscape();
      if (found !== undefined) return found;
    }
    const rangeStart = this.#at;
    const low = this.#classLetter(start);
    if (this.#peek() !== '-' || this.#peek(1) === ']' || this.#peek(1) === undefined) {
      return (letter) => letter === low;
    }
    this.#at++;
    const high = this.#classLetter(start);
    const from = low.codePointAt(0) ?? 0;
    const to = high.codePointAt(0) ?? 0;
    if (to < from) {
      throw regularFault('invalid character class range', this.#between(rangeStart));
    }
    return (letter) => {
      const code = letter.codePointAt(0) ?? -1;
      return code >= from && code <= to;
    };
  }

  #classLetter(start: number): string {
    const letter = this.#peek();
    if (letter === undefined) throw regularFault('missing closing ]', this.#rest(start));
    if (letter === '\\') return this.#escapedLetter();
    this.#at++;
    return letter;
  }
}
