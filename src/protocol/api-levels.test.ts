import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareLevels } from './api-levels.ts';

test('two programs fit while they have a level in common', () => {
  const ours = { oldest: 3, newest: 5 };
  const compare = (oldest: number, newest: number): string =>
    compareLevels({ oldest, newest }, ours);
  assert.equal(compare(3, 5), 'fit');
  assert.equal(compare(1, 3), 'fit');
  assert.equal(compare(5, 9), 'fit');
  assert.equal(compare(1, 2), 'older');
  assert.equal(compare(6, 6), 'newer');
});
