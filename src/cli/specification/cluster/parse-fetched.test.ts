import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '#spec/parse/problem.ts';
import { recordingContext } from '../../testing.fixture.ts';
import { parseFetched } from './parse-fetched.ts';

const from = { name: 'echo-spec', namespace: 'shop', context: 'dev' };

function told(spec: unknown): readonly string[] {
  const { context } = recordingContext();
  const object = {
    apiVersion: 'getambassador.io/v1alpha4',
    kind: 'InterceptSpecification',
    metadata: { name: 'echo-spec' },
    spec,
  };
  const { parsed } = parseFetched(context, { ...from, object });
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
}

const workloads = [{ name: 'echo', intercepts: [{ handler: 'echo' }] }];

test('what is wrong is told by the object and its field: nobody has lines of it', () => {
  assert.deepEqual(told({ workloads, handlers: [{ name: 'echo', script: { run: 1 } }] }), [
    'ispec echo-spec in shop: spec.handlers[0].script.run: is the number 1; allowed: a text that is not empty; in quotes: "1"',
  ]);
  const [said] = told({
    workloads,
    handlers: [{ name: 'echo', script: { run: '{{ nothing }}' } }],
  });
  assert.match(
    said ?? '',
    /^ispec echo-spec in shop: spec\.handlers\[0\]\.script\.run: template: /,
  );
});

test('nothing of it reaches the terminal but letters, before anybody was asked', () => {
  const evil = '\u001B[2J\u009B2J\u202Ex\u2028\n';
  const handlers = [{ name: 'echo' }];
  for (const spec of [
    { workloads, handlers, [evil]: 1 },
    { workloads, handlers: [{ name: evil }] },
    { workloads, handlers: [{ name: 'echo', docker: { image: evil } }] },
    {
      workloads,
      handlers: [{ name: 'echo', script: { run: `{{ "${evil.slice(0, -1)}" | nothing }}` } }],
    },
    {
      workloads,
      handlers: [{ name: 'echo', script: { run: `{{ fail "${evil.slice(0, -1)}" }}` } }],
    },
    { workloads, handlers: [{ name: 'echo', environment: [{ name: evil, value: '' }] }] },
    { workloads: [{ name: 'echo', intercepts: [{ handler: evil }] }], handlers },
  ]) {
    const all = told(spec);
    assert.notEqual(all.length, 0, JSON.stringify(spec));
    for (const said of all) assert.match(said, /^[\t\p{L}\p{N}\p{P}\p{S} ]*$/u);
  }
});
