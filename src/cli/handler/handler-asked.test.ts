import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { intercept } from '../commands/specs/intercepting.ts';
import { parseLine } from '../parse/parse-line.ts';
import { readHandlerAsked } from './handler-asked.ts';

const flags = intercept.flagGroups.flatMap((group) => group.flags);
const read = (...argv: readonly string[]) =>
  readHandlerAsked(parseLine(flags, intercept.positionals, ['hello', ...argv]));

test('the words of docker run come after --, or begin with the image', () => {
  const plain = { build: undefined, forDebugger: false };
  assert.deepEqual(read('--docker-run', '--', '-it', 'img', 'ls'), {
    words: ['-it', 'img', 'ls'],
    ...plain,
  });
  assert.deepEqual(read('--docker-run', '--port', '80', 'img', '--port', 'x', '--', 'y'), {
    words: ['img', '--port', 'x', '--', 'y'],
    ...plain,
  });
  assert.equal(read('--port', '80'), undefined);
  assert.throws(() => read('img', '--docker-run'), /unexpected argument "img"/);
  assert.throws(() => read('--docker-run'), /the image of the container is missing/);
});

test('a build implies the run of what it builds', () => {
  const options = ['--docker-build-opt', 'build-arg=A=b,c', '--docker-build-opt=no-cache'];
  const asked = read(
    '--docker-build',
    'dir',
    ...options,
    '--docker-build-opt',
    't=x',
    'IMAGE',
    '-x',
  );
  assert.deepEqual(asked, {
    words: ['IMAGE', '-x'],
    build: { context: 'dir', options: ['--build-arg=A=b,c', '--no-cache', '-t=x'] },
    forDebugger: false,
  });
  assert.equal(read('--docker-debug', '.', 'IMAGE')?.forDebugger, true);
  assert.throws(() => read('--docker-build', '.'), /the word IMAGE is missing/);
  assert.throws(() => read('--docker-build', '.', '--docker-debug', '.', 'IMAGE'), /only one of/);
  assert.throws(() => read('--docker-build-opt', 'a=b'), /none is/);
  assert.throws(
    () => read('--docker-build', '.', '--docker-build-opt', '=x', 'IMAGE'),
    /it is KEY=VALUE/,
  );
});

test('whatever follows the image is the container’s', () => {
  const words = fc.array(fc.string());
  fc.assert(
    fc.property(words, (args) => {
      assert.deepEqual(read('--docker-run', 'img', ...args)?.words, ['img', ...args]);
      assert.deepEqual(read('--docker-run', '--', 'img', ...args)?.words, ['img', ...args]);
    }),
  );
});
