import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandObject } from './expand-object.ts';

test('every text is expanded, keys and other values stay', () => {
  const value = { a: 'x', b: ['y', 1, true, null, { c: 'z' }], 'k{{': 2 };
  assert.deepEqual(
    expandObject(value, (text) => ({ text: `<${text}>` })),
    {
      value: { a: '<x>', b: ['<y>', 1, true, null, { c: '<z>' }], 'k{{': 2 },
    },
  );
});

test('the first that cannot be expanded is named by its field', () => {
  const expand = (text: string): { text: string } | { trouble: string } =>
    text === 'bad' ? { trouble: 'no' } : { text };
  assert.deepEqual(expandObject({ a: ['ok', { b: 'bad' }], c: 'bad' }, expand), {
    field: 'a[1].b',
    message: 'no',
  });
});

test('an expansion that changes nothing gives the same object', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(
        expandObject(value, (text) => ({ text })),
        { value },
      );
    }),
  );
});
