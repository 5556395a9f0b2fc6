import { createHash } from 'node:crypto';
import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';

interface Alphabet {
  readonly name: string;
  readonly letters: string;
  readonly bits: 5 | 6;
  /** Letters that together are whole bytes. */
  readonly group: 8 | 4;
}

const base64: Alphabet = {
  name: 'base64',
  letters: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  bits: 6,
  group: 4,
};

const base32: Alphabet = {
  name: 'base32',
  letters: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  bits: 5,
  group: 8,
};

function encode(bytes: ByteText, { letters, bits, group }: Alphabet): string {
  const out: string[] = [];
  let held = 0;
  let count = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte.charCodeAt(0);
    count += 8;
    while (count >= bits) {
      count -= bits;
      out.push(letters[(held >> count) & ((1 << bits) - 1)] ?? '');
    }
    held &= (1 << count) - 1;
  }
  if (count > 0) out.push(letters[(held << (bits - count)) & ((1 << bits) - 1)] ?? '');
  while (out.length % group !== 0) out.push('=');
  return out.join('');
}

/** The bytes, or Go's words for where they are wrong: Sprig gives those as the result. */
function decode(encoded: ByteText, alphabet: Alphabet): ByteText {
  const { letters, bits, group, name } = alphabet;
  const wrong = (at: number): string => `illegal ${name} data at input byte ${at}`;
  const text = encoded.replaceAll(/[\r\n]/g, '');
  const padding = /=*$/.exec(text)?.[0].length ?? 0;
  const body = text.slice(0, text.length - padding);
  const bad = Array.from(body).findIndex((letter) => !letters.includes(letter));
  if (bad >= 0) return wrong(bad);
  const rest = body.length % group;
  const usable = [0, ...(bits === 6 ? [2, 3] : [2, 4, 5, 7])];
  const needed = rest === 0 ? 0 : group - rest;
  if (!usable.includes(rest)) return wrong(padding > 0 ? body.length : body.length - rest);
  if (padding < needed) return wrong(padding > 0 ? text.length : body.length - rest);
  if (padding > needed) return wrong(body.length + needed);
  let out = '';
  let held = 0;
  let count = 0;
  for (const letter of body) {
    held = ((held << bits) | letters.indexOf(letter)) & 0xffff;
    count += bits;
    if (count < 8) continue;
    count -= 8;
    out += String.fromCharCode((held >> count) & 0xff);
  }
  return out;
}

function hash(algorithm: string): TemplateFunction {
  return fn1('string', (bytes) =>
    createHash(algorithm).update(Buffer.from(bytes, 'latin1')).digest('hex'),
  );
}

function adler32(bytes: ByteText): string {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte.charCodeAt(0)) % 65_521;
    b = (b + a) % 65_521;
  }
  return String(b * 65_536 + a);
}

/** Sprig's encodings and hashes. */
export const encodingFunctions: Readonly<Record<string, TemplateFunction>> = {
  b64enc: fn1('string', (bytes, { budget }) => {
    budget.make(bytes.length * 2);
    return toBytes(encode(bytes, base64));
  }),
  b64dec: fn1('string', (bytes) => decode(bytes, base64)),
  b32enc: fn1('string', (bytes, { budget }) => {
    budget.make(bytes.length * 2);
    return toBytes(encode(bytes, base32));
  }),
  b32dec: fn1('string', (bytes) => decode(bytes, base32)),
  sha1sum: hash('sha1'),
  sha256sum: hash('sha256'),
  sha512sum: hash('sha512'),
  adler32sum: fn1('string', adler32),
};
