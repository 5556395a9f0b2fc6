import fc from 'fast-check';

/** For tests of parsers: what is nearly right goes deeper into them than noise. */

/** A text in which a few pieces are gone, twice there, or something else; seldom mere noise. */
export function nearlyText(
  samples: readonly string[],
  signs: readonly string[],
): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...signs),
    fc.string({ maxLength: 8 }),
    fc.constantFrom('\0', '\u{1F600}', 'é', '\u2028', '\uFEFF', '\r\n', '__proto__'),
  );
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat(12),
    piece,
  });
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 }))
    .map(([sample, changes]) =>
      changes.reduce((text, one) => {
        const at = Math.floor(one.at * text.length);
        return text.slice(0, at) + one.piece + text.slice(at + one.drop);
      }, sample),
    );
  const made = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  return fc.oneof({ weight: 4, arbitrary: changed }, made);
}

/** JSON like one of the samples, with a few parts of it gone or something else. */
export function nearlyJson(samples: readonly unknown[]): fc.Arbitrary<unknown> {
  const part = fc.oneof(
    fc.constant(undefined),
    fc.jsonValue(),
    fc.constantFrom(null, '', 0, -1, 1e300, 2 ** 53, true, [], {}, '__proto__', '\0', '\u{1F600}'),
    fc.string({ maxLength: 40 }),
  );
  return fc
    .constantFrom(...samples)
    .chain((sample) =>
      fc
        .tuple(fc.constant(sample), fc.array(fc.tuple(fc.nat(), part), { maxLength: 3 }))
        .map(([base, changes]) =>
          changes.reduce<unknown>((value, [which, by]) => replaced(value, which, by), base),
        ),
    );
}

/** Every place in a value, itself included, is somewhere among these numbers. */
function replaced(value: unknown, which: number, by: unknown): unknown {
  const places = count(value);
  return replaceAt(value, which % places, by);
}

function count(value: unknown): number {
  return 1 + childrenOf(value).reduce((sum, [, child]) => sum + count(child), 0);
}

function replaceAt(value: unknown, which: number, by: unknown): unknown {
  if (which === 0) return by;
  let left = which - 1;
  for (const [key, child] of childrenOf(value)) {
    const places = count(child);
    if (left < places) return withChild(value, key, replaceAt(child, left, by));
    left -= places;
  }
  return value;
}

function childrenOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function withChild(value: unknown, key: string, child: unknown): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = [...value];
    items[Number(key)] = child;
    return items;
  }
  return Object.fromEntries(
    childrenOf(value).flatMap(([name, each]) =>
      name === key ? (child === undefined ? [] : [[name, child]]) : [[name, each]],
    ),
  );
}
