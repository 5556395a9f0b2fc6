import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { anyDocument } from '../testing/any-document.fixture.ts';
import { badSpecifications } from '../testing/bad-specifications.fixture.ts';
import { checkDocument } from './check-document.ts';
import { parseSpecification } from './parse-specification.ts';
import { formatProblem } from './problem.ts';
import { readYaml } from './read-yaml.ts';

const parse = (text: string) => parseSpecification({ text, file: 'f', fallbackName: 'f' });

test('what is right is read, and as it was written', () => {
  fc.assert(
    fc.property(anyDocument, (written) => {
      const text = stringify(written, { version: '1.2' });
      const yaml = readYaml(text);
      assert.ok('value' in yaml, text);
      const told: string[] = [];
      const checked = checkDocument(yaml.value, ({ message }) => told.push(message));
      assert.deepEqual(told, [], text);
      assert.deepEqual(checked?.document, written);
    }),
  );
});

test('the custom resource of a document means the same as the document', () => {
  fc.assert(
    fc.property(anyDocument, (spec) => {
      const resource = {
        apiVersion: 'getambassador.io/v1alpha3',
        kind: 'InterceptSpecification',
        metadata: { name: 'f' },
        spec,
      };
      const [alone, inside] = [parse(JSON.stringify(spec)), parse(JSON.stringify(resource))];
      assert.ok('specification' in alone && 'specification' in inside);
      assert.deepEqual(inside.specification, alone.specification);
    }),
    { numRuns: 30 },
  );
});

const texts = badSpecifications().map(({ text }) => text);
const signs = [
  '&a ',
  '*a',
  '<<: *a',
  '- ',
  ': ',
  '? ',
  '|\n',
  '>-\n',
  '!!set ',
  '{',
  '[',
  ']',
  '}',
];
signs.push(
  '"',
  "'",
  '#',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '\t',
  '\n',
  '  ',
  '{{ x }}',
  '~',
  '@',
  '`',
);

test('whatever the text is, it is read, or all that is wrong is said with its place', () => {
  fc.assert(
    fc.property(
      fc.oneof(nearlyText(texts, signs), fc.string(), fc.string({ unit: 'binary' })),
      (text) => {
        const parsed = parse(text);
        if ('specification' in parsed) return;
        assert.notEqual(parsed.problems.length, 0);
        const lines = text.split('\n').length;
        for (const { line = 0, column = 0, message } of parsed.problems) {
          assert.ok(line >= 1 && line <= lines && column >= 1 && message !== '');
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('whatever the fields are, they are read or refused', () => {
  const samples = fc.sample(anyDocument, { numRuns: 20, seed: 1 });
  fc.assert(
    fc.property(nearlyJson(samples), (value) => {
      const parsed = parse(JSON.stringify(value) ?? '');
      if ('problems' in parsed)
        assert.ok(parsed.problems.map(formatProblem).every((said) => said !== ''));
    }),
    { numRuns: 300 },
  );
});

test('what would take a parser long, or all the memory, is refused at once', () => {
  const many = 1 << 15;
  const bomb = 'abcdefghi'
    .split('')
    .map(
      (name, at) =>
        `${name}: &${name} [${Array(10)
          .fill(at === 0 ? 1 : `*${'abcdefghi'[at - 1]}`)
          .join(', ')}]`,
    )
    .join('\n');
  const compose = (spec: string): string =>
    `workloads: [{name: a, intercepts: [{handler: h}]}]\nhandlers: [{name: h, docker: {compose: {spec: ${spec}}}}]`;
  for (const text of [
    ...['[', '{', '- ', 'a: ', '? ', '- - ', '!a ', '&a ', '*a ', '"', '---\n', '<<: '].map(
      (sign) => sign.repeat(many),
    ),
    Array.from({ length: 8_000 }, (_, at) => `k${at}: 1`).join('\n'),
    Array.from({ length: 60_000 }, (_, at) => `k${at}: 1`).join('\n'),
    'workloads:\n' + '  - {handler: h}\n'.repeat(60_000),
    'a:\n'.repeat(49_000),
    'k: 1\n'.repeat(200_000),
    Array.from({ length: 1000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    bomb,
    compose('&a {b: *a}'),
    compose('&a {<<: *a}'),
    ' '.repeat((1 << 20) + 1),
  ]) {
    const began = performance.now();
    const parsed = parse(text);
    assert.ok('problems' in parsed, text.slice(0, 100));
    assert.ok(performance.now() - began < 20_000, text.slice(0, 100));
  }
});

test('of a long text the first troubles are told, and that it is too long', () => {
  const told = (text: string) => {
    const parsed = parse(text);
    return 'problems' in parsed ? parsed.problems.map(({ message }) => message) : [];
  };
  assert.deepEqual(told('k: 1\n'.repeat(200_000)), ['is too long']);
  const twice = told('k: 1\n'.repeat(20_000));
  assert.equal(twice.length, 10);
  assert.deepEqual([...new Set(twice)], ['"k" stands twice in one map']);
});
