import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parsePlacedYaml } from './placed-yaml.ts';

const text = `
base: &base
  one: 1
timeouts:
  # a comment
  intercept: 5s
dns:
  mappings:
    - { name: a, aliasFor: b }
    - name: c
      aliasFor: d
again: *base
merged:
  <<: *base
  two: 2
7: seven
`;

test('the line of a key, of an item of a list, of what an alias means', () => {
  const { value, lineOf } = parsePlacedYaml(text);
  assert.partialDeepStrictEqual(value, { again: { one: 1 }, merged: { one: 1, two: 2 } });
  assert.equal(lineOf(['timeouts', 'intercept']), 6);
  assert.equal(lineOf(['dns', 'mappings', 1]), 10);
  assert.equal(lineOf(['dns', 'mappings', 1, 'aliasFor']), 11);
  assert.equal(lineOf(['again', 'one']), 3);
  assert.equal(lineOf(['7']), 16);
});

test('of what is not there, the line of what is nearest above it', () => {
  const { lineOf } = parsePlacedYaml(text);
  assert.equal(lineOf(['dns', 'mappings', 9, 'name']), 8);
  assert.equal(lineOf(['merged', 'one']), 13);
  assert.equal(lineOf(['nothing']), undefined);
  assert.equal(lineOf([]), undefined);
});

test('what is no YAML, says a thing twice, or grows without end is refused', () => {
  for (const bad of ['a: [', 'a: 1\na: 2', 'a: 1\n---\nb: 2', '\t- x: [}']) {
    assert.throws(() => parsePlacedYaml(bad), Error, bad);
  }
  const list = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
  assert.throws(() => parsePlacedYaml(['a0: &a0 [x]', ...list].join('\n')), /alias/i);
});

test('whatever is written is read as it was, each key in its line', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (typed) => {
      // Without quotes the key `<<` would mean something else.
      const written = stringify(typed, { defaultKeyType: 'QUOTE_DOUBLE' });
      const { value, lineOf } = parsePlacedYaml(written);
      // JSON has no -0.
      assert.equal(JSON.stringify(value), JSON.stringify(typed));
      for (const key of Object.keys(typed)) assert.ok((lineOf([key]) ?? 0) >= 1, key);
    }),
    { examples: [[{ '<<': {} }]] },
  );
});

test('noise is read or refused, and never anything else', () => {
  const noise = fc.string({
    unit: fc.constantFrom('a', ':', ' ', '\n', '-', '[', '{', '}', ']', '&a', '*a', '"', '|', '#'),
  });
  fc.assert(
    fc.property(noise, fc.array(fc.string()), (said, path) => {
      try {
        parsePlacedYaml(said).lineOf(path);
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.match(error.name, /^(YAMLParseError|ReferenceError|TypeError)$/);
      }
    }),
    { numRuns: 500 },
  );
});
