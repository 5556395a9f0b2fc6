import { fault } from '../template-error.ts';

const simple = new Map([
  ['a', '\x07'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

/** The character that an escape in a regular expression means, and where the escape ends. */
export function readEscape(
  letters: readonly string[],
  at: number,
): { readonly letter: string; readonly end: number } {
  const rest = letters.slice(at, at + 16).join('');
  const letter = letters[at + 1];
  if (letter === undefined) {
    throw fault('error parsing regexp: trailing backslash at end of expression: ``');
  }
  const wrong = (shown: string): Error =>
    fault(`error parsing regexp: invalid escape sequence: \`${shown}\``);
  const known = simple.get(letter);
  if (known !== undefined) return { letter: known, end: at + 2 };
  // \0 and \12: octal; a single digit other than 0 would be a reference, which RE2 has not.
  const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
  if (octal !== null) {
    const code = Number.parseInt(octal[1] ?? '0', 8);
    return { letter: String.fromCodePoint(code), end: at + octal[0].length };
  }
  const hex = /^\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\})/.exec(rest);
  if (hex !== null) {
    const code = Number.parseInt(hex[1] ?? hex[2] ?? '0', 16);
    if (code > 0x10ffff) throw wrong(hex[0]);
    return { letter: String.fromCodePoint(code), end: at + hex[0].length };
  }
  if (letter === 'x') {
    const bad = /^\\x(?:\{[0-9a-fA-F]*[^0-9a-fA-F]?|[0-9a-fA-F]?.?)/su.exec(rest)?.[0];
    throw wrong(bad ?? '\\x');
  }
  if (/^[!-/:-@[-`{-~ ]$/.test(letter) && letter !== ' ') return { letter, end: at + 2 };
  throw wrong(`\\${letter}`);
}
