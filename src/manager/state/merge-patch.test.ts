import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergePatch } from './merge-patch.ts';

/** RFC 7386, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = apply(result[key], value);
  }
  return result;
}

const key = fc.constantFrom('a', 'b', 'c');
const { object } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(key, tie('value'), { noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(1, 2, 'x', true),
    fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
    tie('object'),
  ),
}));

test('the patch makes the one of the other, and there is none between equals', () => {
  fc.assert(
    fc.property(object, object, (from, to) => {
      assert.deepEqual(apply(from, mergePatch(from, to) ?? {}), to);
      assert.equal(mergePatch(to, structuredClone(to)), undefined);
    }),
  );
});
