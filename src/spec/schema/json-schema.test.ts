import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { parse } from 'yaml';
import { nearlyJson } from '#base/nearly.fixture.ts';
import { parseSpecification } from '../parse/parse-specification.ts';
import { formatProblem } from '../parse/problem.ts';
import { anyDocument } from '../testing/any-document.fixture.ts';
import { badSpecifications } from '../testing/bad-specifications.fixture.ts';
import { jsonSchema } from './json-schema.ts';

const accepts = new Ajv({ strictSchema: true }).compile(jsonSchema());

const resource = (spec: unknown) => ({
  apiVersion: 'getambassador.io/v1alpha3',
  kind: 'InterceptSpecification',
  metadata: { name: 'x' },
  spec,
});

test('an editor takes what our parser takes', () => {
  fc.assert(
    fc.property(anyDocument, (document) => {
      assert.ok(accepts(document), JSON.stringify(accepts.errors));
      assert.ok(accepts(resource(document)), JSON.stringify(accepts.errors));
    }),
  );
});

test('an editor refuses what people get wrong, but for what it cannot know', () => {
  for (const { mistake, text, editorRefuses } of badSpecifications()) {
    assert.equal(accepts(parse(text)), !editorRefuses, mistake);
  }
});

/** What no JSON Schema says: names that are somewhere else, or twice, and addresses. */
const beyondSchemas =
  /must reference an existing|never ends|is there twice|name of two intercepts|is left out, and|does not say which connection|has only one of several connections|is out of range|is no regular expression|holds too much|holds the character NUL/;

test('an editor and our parser are at one about whatever is nearly right', () => {
  const samples = fc.sample(anyDocument, { numRuns: 30, seed: 1 });
  fc.assert(
    fc.property(nearlyJson(samples), (value) => {
      const text = JSON.stringify(value) ?? 'null';
      // Templates are expanded before our parser reads a text.
      fc.pre(!text.includes('{{'));
      const parsed = parseSpecification({ text, file: 'f', fallbackName: 'f' });
      const told = 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
      const known = told.filter((said) => !beyondSchemas.test(said));
      assert.equal(accepts(JSON.parse(text)), known.length === 0, told.join('\n'));
    }),
    { numRuns: 1000 },
  );
});

test('an editor takes templates, but not in the place of names', () => {
  const document = (handler: string) => ({
    name: '{{ env "USER" }}-spec',
    connection: { namespace: '{{ env "NAMESPACE" }}' },
    workloads: [{ name: '{{ env "W" }}', intercepts: [{ handler, port: '{{ env "PORT" }}' }] }],
    handlers: [{ name: 'echo', script: { run: 'x', shell: '{{ env "S" }}' } }],
  });
  assert.ok(accepts(document('echo')), JSON.stringify(accepts.errors));
  assert.ok(!accepts(document('{{ env "H" }}')));
});

test('no text has a NUL in it, a template neither', () => {
  const document = (run: string, value: string, command: string) => ({
    workloads: [{ name: 'echo', intercepts: [{ handler: 'a', mountPoint: value }] }],
    handlers: [
      { name: 'a', environment: [{ name: 'A', value }], script: { run } },
      { name: 'b', docker: { image: 'b', command, args: [value] } },
    ],
  });
  assert.ok(accepts(document('a\nb', '', 'c {{ d }}')), JSON.stringify(accepts.errors));
  for (const wrong of [
    document('a\0b', '', 'c'),
    document('a', '\0', 'c'),
    document('a', '', '{{ c }}\0'),
  ]) {
    assert.ok(!accepts(wrong));
    const told = parseSpecification({ text: JSON.stringify(wrong), file: 'f', fallbackName: 'f' });
    assert.ok('problems' in told);
    for (const { message } of told.problems) assert.equal(message, 'has the character NUL in it');
  }
});
