import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';

const escapes = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);

const printable = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** Whether Go calls a character printable: letters, marks, numbers, punctuation, symbols, blank. */
export function isPrintable(letter: string): boolean {
  return printable.test(letter);
}

function escapeLetter(letter: string, quote: string, ascii: boolean): string {
  if (letter === quote) return `\\${letter}`;
  const known = escapes.get(letter);
  if (known !== undefined) return known;
  const code = letter.codePointAt(0) ?? 0;
  if (isPrintable(letter) && (!ascii || code < 0x80)) return letter;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/** Whether Go would write a text between backquotes. */
export function fitsBackquotes(text: string): boolean {
  return Array.from(text).every((letter) => {
    if (letter === '\t') return true;
    return letter >= ' ' && letter !== '`' && letter !== '\x7f' && letter !== '\ufeff';
  });
}

/** Text in double quotes, as Go's `%q` writes it. */
export function quoteGo(text: string): string {
  return `"${Array.from(text, (letter) => escapeLetter(letter, '"', false)).join('')}"`;
}

/** A character in single quotes, as `%q` writes a number. */
export function quoteRune(letter: string, ascii: boolean): string {
  return `'${escapeLetter(letter, "'", ascii)}'`;
}

/** Bytes in double quotes; what is no UTF-8 as `\xff`. */
export function quoteBytes(bytes: ByteText, ascii = false): ByteText {
  let quoted = '';
  let at = 0;
  for (const letter of Buffer.from(bytes, 'latin1').toString('utf8')) {
    const encoded = toBytes(letter);
    if (letter === '\ufffd' && !bytes.startsWith(encoded, at)) {
      quoted += `\\x${bytes.charCodeAt(at).toString(16).padStart(2, '0')}`;
      at += 1;
      continue;
    }
    quoted += toBytes(escapeLetter(letter, '"', ascii));
    at += encoded.length;
  }
  return `"${quoted}"`;
}
