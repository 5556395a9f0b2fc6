import { toBytes } from '../byte-text.ts';
import { quoteGo } from '../text/quote.ts';

const keywords = [
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'nil',
  'range',
  'template',
  'with',
] as const;

/** A word of the language itself. */
export type Keyword = (typeof keywords)[number];

/** What a token is. */
export type TokenKind =
  | Keyword
  | 'dot'
  | 'error'
  | 'eof'
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'char'
  | 'assign'
  | 'declare'
  | 'pipe'
  | '('
  | ')'
  | 'string'
  | 'charConstant'
  | 'number'
  | 'complex'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'bool';

/** A piece of the template. */
export interface Token {
  readonly kind: TokenKind;
  readonly offset: number;
  /** As it was written; of an error what is wrong. */
  readonly text: string;
}

const keywordSet: ReadonlySet<string> = new Set(keywords);

/** Whether a word is one of the language itself. */
export function isKeyword(word: string): word is Keyword {
  return keywordSet.has(word);
}

/** A token as errors show it. */
export function showToken(token: Token): string {
  if (token.kind === 'eof') return 'EOF';
  if (token.kind === 'error') return token.text;
  if (token.kind === 'dot' || isKeyword(token.kind)) return `<${token.text}>`;
  const letters = Array.from(token.text);
  if (toBytes(token.text).length > 10) return `${quoteGo(letters.slice(0, 10).join(''))}...`;
  return quoteGo(token.text);
}
