import { runes, toBytes } from '../byte-text.ts';
import { fn0, fn1 } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';

const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');

/** A whole number below a limit, each as likely as the others. */
export function randomBelow(limit: number, { random, budget }: World): number {
  // The largest multiple of the limit: what is above it would make small numbers likelier.
  const most = 2 ** 48;
  const fair = most - (most % limit);
  for (;;) {
    budget.step();
    const number = Buffer.from(random(6)).readUIntBE(0, 6);
    if (number < fair) return number % limit;
  }
}

function randomText(alphabet: string): TemplateFunction {
  return fn1('int', (count, world) => {
    if (count <= 0) return '';
    world.budget.make(count * 8);
    const pick = (): string => alphabet[randomBelow(alphabet.length, world)] ?? '';
    return Array.from({ length: count }, pick).join('');
  });
}

function uuid(bytes: Uint8Array): string {
  const id = Buffer.from(bytes);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Sprig's randomness; the random bytes are handed in. */
export const randomFunctions: Readonly<Record<string, TemplateFunction>> = {
  randAlphaNum: randomText(letters + digits),
  randAlpha: randomText(letters),
  randNumeric: randomText(digits),
  randAscii: randomText(printable),
  randBytes: fn1('int', (count, { random, budget }) => {
    if (count < 0) throw fault('runtime error: makeslice: len out of range');
    budget.make(count * 2);
    return Buffer.from(random(count)).toString('base64');
  }),
  uuidv4: fn0(({ random }) => uuid(random(16))),
  shuffle: fn1('string', (bytes, world) => {
    const shuffled = runes(bytes);
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = randomBelow(i + 1, world);
      [shuffled[i], shuffled[j]] = [shuffled[j] ?? '', shuffled[i] ?? ''];
    }
    return toBytes(shuffled.join(''));
  }),
};
