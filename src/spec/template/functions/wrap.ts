import type { ByteText } from '../byte-text.ts';

/** Text in lines of a width, broken at blanks; longer words are broken only if `breakWords`. */
export function wrap(
  bytes: ByteText,
  width: number,
  separator: ByteText,
  breakWords: boolean,
): ByteText {
  const most = Math.max(1, width);
  const lines: ByteText[] = [];
  let at = 0;
  while (bytes.length - at > most) {
    if (bytes[at] === ' ') {
      at++;
      continue;
    }
    const blank = bytes.lastIndexOf(' ', at + most);
    if (blank >= at) {
      lines.push(bytes.slice(at, blank));
      at = blank + 1;
    } else if (breakWords) {
      lines.push(bytes.slice(at, at + most));
      at += most;
    } else {
      const next = bytes.indexOf(' ', at + most);
      if (next < 0) break;
      lines.push(bytes.slice(at, next));
      at = next + 1;
    }
  }
  // A word that fills the rest alone needs no further line.
  const rest = bytes.slice(at);
  return [...lines, rest].join(separator);
}

/** At most `width` bytes from about `offset` on, with dots where something is left out. */
export function abbreviate(bytes: ByteText, offset: number, width: number): ByteText {
  const { length } = bytes;
  if (length <= width) return bytes;
  const from = Math.min(offset, length, Math.max(length - (width - 3), 0));
  const start = length - Math.min(offset, length) < width - 3 ? from : Math.min(offset, length);
  if (start <= 4) return `${bytes.slice(0, width - 3)}...`;
  if (start + width - 3 < length) return `...${abbreviate(bytes.slice(start), 0, width - 3)}`;
  return `...${bytes.slice(length - (width - 3))}`;
}
