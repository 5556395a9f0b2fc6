import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { visible } from './visible.ts';

test('what a terminal would obey is shown by its number, and what people write as it is', () => {
  assert.equal(visible('a\tb é 日本 "q" \\'), 'a\tb é 日本 "q" \\');
  assert.equal(
    visible('\u001b[2K\r\n\u009b\u202e\u2028\u200b'),
    ['\\u{1b}[2K', ...['d', 'a', '9b', '202e', '2028', '200b'].map((code) => `\\u{${code}}`)].join(
      '',
    ),
  );
});

test('whatever it is, it stays on its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(visible(text), /[[\p{Cc}--\t]\p{Cf}\p{Zl}\p{Zp}]/v);
    }),
  );
});
