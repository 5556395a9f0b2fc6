import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badSpecifications } from '../testing/bad-specifications.fixture.ts';
import { parseSpecification } from './parse-specification.ts';
import { formatProblem } from './problem.ts';

test('each mistake is told with its place, and with what may stand there', async (t) => {
  const all = badSpecifications();
  assert.ok(all.length >= 30);
  for (const { mistake, text, says } of all) {
    await t.test(mistake, () => {
      const parsed = parseSpecification({ text, file: 'spec.yaml', fallbackName: 'spec' });
      const problems = 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
      assert.deepEqual(
        problems,
        says.map((said) => `spec.yaml:${said}`),
      );
    });
  }
});
