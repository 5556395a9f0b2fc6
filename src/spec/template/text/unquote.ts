import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';

const simple = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);

const escape =
  /\\(?:([abfnrtv\\'"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^\\]|\\)/gsu;

/** A string literal of Go's, in double quotes or in backquotes, as bytes; undefined when it is none. */
export function unquote(literal: string): ByteText | undefined {
  const inside = literal.slice(1, -1);
  if (literal.startsWith('`')) return toBytes(inside.replaceAll('\r', ''));
  return unescape(inside, '"')?.join('');
}

/** The code point of a character literal; undefined when it is none. */
export function unquoteRune(literal: string): number | undefined {
  const parts = unescape(literal.slice(1, -1), "'");
  const part = parts?.[0];
  if (part === undefined || parts?.length !== 1) return undefined;
  if (part.length === 1) return part.charCodeAt(0);
  return Buffer.from(part, 'latin1').toString('utf8').codePointAt(0);
}

/** The bytes of each character; undefined where an escape is none of Go's. */
function unescape(inside: string, quote: string): ByteText[] | undefined {
  const parts: ByteText[] = [];
  for (const [, letter, octal, hex, short, long, plain] of inside.matchAll(escape)) {
    if (letter !== undefined) {
      const other = letter === quote ? quote : undefined;
      const bytes = simple.get(letter) ?? other;
      if (bytes === undefined) return undefined;
      parts.push(bytes);
    } else if (octal !== undefined) {
      if (Number.parseInt(octal, 8) > 255) return undefined;
      parts.push(String.fromCharCode(Number.parseInt(octal, 8)));
    } else if (hex !== undefined) {
      parts.push(String.fromCharCode(Number.parseInt(hex, 16)));
    } else if (short !== undefined || long !== undefined) {
      const code = Number.parseInt(short ?? long ?? '', 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      parts.push(toBytes(String.fromCodePoint(code)));
    } else if (plain === undefined || plain === '\\' || plain === '\n') {
      return undefined;
    } else {
      parts.push(toBytes(plain));
    }
  }
  return parts;
}
