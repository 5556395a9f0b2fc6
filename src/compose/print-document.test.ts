import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseComposeDocument } from './document.ts';
import { printComposeDocument } from './print-document.ts';

const strange = [
  '',
  'yes',
  'No',
  '012',
  '0o17',
  '1_000',
  '2001-01-01',
  '12:30:45',
  '~',
  'null',
  '=',
  '<<',
  '0x1F',
  '1e3',
  '.inf',
  ' a',
  'a ',
  'a: b',
  '- a',
  '#',
  '*a',
  '&a',
  '!a',
  '%',
  '\t',
  'a\nb',
  'a\n\nb\n',
  '\n',
  'a \n b',
  '\r\n',
  '\u0085',
  '\u2028',
  '🐢',
  '\u0000',
  '"',
  "'",
  '\\',
  '$$HOME',
];

test('every text comes back, whatever version of YAML is read', () => {
  const texts = fc.oneof(
    fc.constantFrom(...strange),
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(' ', '\n', 'a', ':', '#', '-'), { maxLength: 8 })
      .map((all) => all.join('')),
  );
  fc.assert(
    fc.property(fc.dictionary(texts, texts), (environment) => {
      const document = { name: 'p', services: { a: { environment } }, networks: {}, volumes: {} };
      const printed = printComposeDocument(document);
      assert.deepEqual(
        { ...parseComposeDocument(printed).services['a']?.environment },
        { ...environment },
      );
      for (const version of ['1.1', '1.2'] as const) {
        const read: unknown = parse(printed, { version, mapAsMap: true });
        assert.ok(read instanceof Map);
        assert.deepEqual(Object.fromEntries(read.get('services').get('a').get('environment')), {
          ...environment,
        });
      }
    }),
  );
});

test('numbers and truths stay what they are, in the order that they were in', () => {
  const printed =
    'name: p\nservices:\n  a:\n    zeta: 1\n    image: x\n    alpha: true\n    hostname: yy\n    cpus: 0.5\n    init: null\n';
  assert.equal(
    printComposeDocument(parseComposeDocument(printed)),
    `${printed}networks: {}\nvolumes: {}\n`,
  );
});
