import type { Duplex } from 'node:stream';

/** Copies bytes both ways as fast as Node can, without care for how connections end: the limit. */
export function pump(one: Duplex, other: Duplex): void {
  one.pipe(other);
  other.pipe(one);
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
