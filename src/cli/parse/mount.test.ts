import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CliError } from '../errors.ts';
import { parseMount } from './mount.ts';

test('where, and whether only to read', () => {
  const cases = {
    true: { path: '', readOnly: false },
    'true:ro': { path: '', readOnly: true },
    '/mnt': { path: '/mnt', readOnly: false },
    '/mnt:ro': { path: '/mnt', readOnly: true },
    'a/../b': { path: '/home/b', readOnly: false },
    './true': { path: '/home/true', readOnly: false },
    'C:ro:ro': { path: '/home/C:ro', readOnly: true },
  };
  for (const [typed, asked] of Object.entries(cases)) {
    assert.deepEqual(parseMount(typed, '/home'), asked, typed);
  }
  assert.equal(parseMount('false', '/home'), undefined);
  for (const typed of ['', ':ro', 'false:ro', 'a\0b']) {
    assert.throws(() => parseMount(typed, '/home'), CliError, typed);
  }
});

test('whatever is typed is one of these', () => {
  fc.assert(
    fc.property(fc.string(), (typed) => {
      try {
        const { path } = parseMount(typed, '/home') ?? { path: '' };
        assert.ok(path === '' || path.startsWith('/'));
      } catch (error) {
        assert.ok(error instanceof CliError);
      }
    }),
  );
});
