import { runes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import type { VerbOptions } from './printf.ts';

/** Text as wide as was asked, by blanks or by zeros behind its sign. */
export function pad(text: ByteText, options: VerbOptions): ByteText {
  const missing = (options.width ?? 0) - runes(text).length;
  if (missing <= 0) return text;
  if (options.minus) return text + ' '.repeat(missing);
  if (!options.zero) return ' '.repeat(missing) + text;
  const sign = /^[+\- ](?=[0-9])/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}
