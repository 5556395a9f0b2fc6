import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isList, isMap } from '#spec/parse/value-kind.ts';
import { parseSpecification } from '#spec/parse/parse-specification.ts';
import type { Shape } from '#spec/schema/shape.ts';
import { specificationSchema } from '#spec/schema/specification.ts';
import { whatItRuns } from './what-it-runs.ts';

const fact = [{ name: 'name', value: 'value' }];
const shared = {
  ports: [1234],
  options: ['--option'],
  args: ['--argument'],
};

/** Says something of all that can be said. */
const whole = {
  name: 'whole',
  connections: [
    {
      name: 'c',
      context: 'text',
      cluster: 'text',
      user: 'text',
      as: 'text',
      asUID: 'text',
      asGroups: ['text'],
      namespace: 'text',
      managerNamespace: 'text',
      mappedNamespaces: ['text'],
      alsoProxy: ['10.0.0.0/8'],
      neverProxy: ['10.0.0.0/8'],
      allowConflictingSubnets: ['10.0.0.0/8'],
      expose: ['80:80'],
      hostname: 'text',
    },
    { name: 'd' },
  ],
  prerequisites: [{ create: 'script', delete: 'image' }],
  workloads: [
    {
      name: 'c/w',
      namespace: 'n',
      intercepts: [
        {
          name: 'i',
          handler: 'external',
          enabled: true,
          global: true,
          service: 'service',
          port: 80,
          localPort: 80,
          localAddress: '1.2.3.4',
          mountPoint: '/files',
          replace: true,
          plaintext: true,
          meta: fact,
          previewURL: { enable: true, extraHeaders: fact },
        },
        { name: 'j', handler: 'compose', headers: fact, pathPrefix: '/' },
        { name: 'k', handler: 'build', pathEqual: '/' },
        { name: 'l', handler: 'build', pathRegexp: '/' },
        { name: 'm', handler: 'build', pathSuffix: '/', banner: true },
      ],
    },
  ],
  handlers: [
    { name: 'script', script: { run: 'text', shell: 'sh' }, environment: fact, stopGracePeriod: 3 },
    { name: 'image', docker: { image: 'text', command: 'text', ...shared } },
    { name: 'build', docker: { build: { context: 'text', args: ['text'] }, ...shared } },
    { name: 'external', external: { isDocker: true, outputFormat: 'yaml', outputPath: 'file' } },
    {
      name: 'compose',
      docker: {
        compose: {
          context: 'text',
          spec: { services: {} },
          services: [
            {
              name: 'a',
              behavior: 'remote',
              mapping: { name: 'text', namespace: 'text' },
              connection: 'c',
            },
            { name: 'b', behavior: 'interceptHandler', intercepts: ['j'] },
          ],
        },
        ...shared,
      },
    },
  ],
};

/** They say how it is called or timed, or `run` refuses them. */
const harmless = new Set(
  `name stopGracePeriod isDocker outputFormat enabled
  global headers pathPrefix pathEqual pathRegexp pathSuffix
  plaintext meta previewURL enable extraHeaders banner ingress`.split(/\s+/),
);

/** Each with one field left out, and that field. */
function* without(value: unknown): Generator<{ readonly field: string; readonly value: unknown }> {
  if (isList(value)) {
    for (const [at, item] of value.entries()) {
      for (const one of without(item)) yield { ...one, value: value.with(at, one.value) };
    }
  }
  if (!isMap(value)) return;
  for (const [field, item] of Object.entries(value)) {
    const others = Object.entries(value).filter(([key]) => key !== field);
    yield { field, value: Object.fromEntries(others) };
    for (const one of without(item)) yield { ...one, value: { ...value, [field]: one.value } };
  }
}

function shown(document: unknown): string | undefined {
  const text = JSON.stringify(document);
  const parsed = parseSpecification({ text, file: 'f', fallbackName: 'f' });
  return 'specification' in parsed ? whatItRuns(parsed.specification).join('\n') : undefined;
}

/** The names of all fields below a shape that are not left out. */
function* fieldsOf(shape: Shape): Generator<string> {
  if (shape.kind === 'list') yield* fieldsOf(shape.of);
  if (shape.kind === 'either') for (const one of shape.shapes) yield* fieldsOf(one);
  if (shape.kind !== 'object') return;
  for (const [name, field] of Object.entries(shape.fields)) {
    if (name === 'ingress') continue;
    yield name;
    yield* fieldsOf(field.shape);
  }
}

test('no field that does something is left out of what is shown', () => {
  const all = shown(whole);
  assert.notEqual(all, undefined);
  const said = new Set<string>();
  for (const { field, value } of without(whole)) {
    said.add(field);
    const now = shown(value);
    // What cannot be left out is shown in any case, or the whole is another one.
    if (now === undefined || harmless.has(field)) continue;
    assert.notEqual(now, all, `${field} is not shown`);
  }
  const missing = [...fieldsOf(specificationSchema)].filter((field) => !said.has(field));
  assert.deepEqual(missing, [], 'the document of this test says all that can be said');
});
