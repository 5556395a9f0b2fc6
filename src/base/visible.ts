/**
 * A text on one line, in which nothing moves the cursor, hides or turns round what follows: whoever
 * wrote it may be nobody's friend. Letters that would are their numbers.
 */
export function visible(text: string): string {
  return text.replaceAll(/[^\P{C}\t]|[\u2028\u2029]/gu, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}
