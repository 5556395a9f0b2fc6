import { parseFloatGo, parseInteger } from '../text/parse-number.ts';
import { unquoteRune } from '../text/unquote.ts';
import { quoteGo } from '../text/quote.ts';
import type { NumberNode } from './nodes.ts';
import type { Token } from './token.ts';

/** A number or a character as a node; a text says why it is none. */
export function numberNode(token: Token): NumberNode | string {
  const { text, offset } = token;
  if (token.kind === 'charConstant') {
    const rune = unquoteRune(text);
    if (rune === undefined) return `malformed character constant: ${text}`;
    return { kind: 'number', offset, text, int: BigInt(rune), uint: BigInt(rune), float: rune };
  }
  if (token.kind === 'complex' || text.endsWith('i')) {
    return `complex numbers are not supported: ${quoteGo(text)}`;
  }
  const uint = parseInteger(text, 0, 'uint64');
  const int = parseInteger(text, 0);
  const whole = typeof int === 'bigint' ? int : typeof uint === 'bigint' ? uint : undefined;
  if (whole !== undefined) {
    const unsigned = typeof uint === 'bigint' ? uint : whole === 0n ? 0n : undefined;
    const signed = typeof int === 'bigint' ? int : undefined;
    return { kind: 'number', offset, text, int: signed, uint: unsigned, float: Number(whole) };
  }
  const float = parseFloatGo(text);
  if (float === undefined) return `illegal number syntax: ${quoteGo(text)}`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: ${quoteGo(text)}`;
  const integral = Number.isInteger(float) ? BigInt(float) : undefined;
  const inInt = integral !== undefined && BigInt.asIntN(64, integral) === integral;
  const inUint = integral !== undefined && BigInt.asUintN(64, integral) === integral;
  return {
    kind: 'number',
    offset,
    text,
    int: inInt ? integral : undefined,
    uint: inUint ? integral : undefined,
    float,
  };
}
