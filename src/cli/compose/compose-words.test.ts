import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUpWords, readComposeWords } from './compose-words.ts';
import { upWords } from './up-words.ts';

test('files, names and profiles are read with the project; the rest is for its run too', () => {
  const options = ['-f', 'a.yml', '--profile=debug', '--parallel', '3', '--project-directory', 'd'];
  assert.deepEqual(readComposeWords(options), {
    reading: options,
    running: ['--parallel=3', '--ansi=never'],
    directory: 'd',
    hasFile: true,
  });
  assert.deepEqual(readComposeWords(['-p', 'x', '--env-file=.e', '--ansi', 'always']).running, [
    '--ansi=always',
  ]);
  assert.equal(readComposeWords(['-fa.yml']).hasFile, true);
});

for (const [options, message] of [
  [['--profile'], /"--profile" is not possible/],
  [['--dry-run'], /"--dry-run" is not possible/],
  [['up'], /"up" is not possible/],
  [['-d'], /"-d" is not possible/],
] as const) {
  test(`refused: ${options.join(' ')}`, () => {
    assert.throws(() => readComposeWords(options), message);
  });
}

test('what would not stay in the foreground is refused', () => {
  checkUpWords(['--build', '--abort-on-container-exit']);
  for (const word of ['-d', '--detach', '--wait', '--no-start', '--watch']) {
    assert.throws(() => checkUpWords([word]), /is not possible/);
  }
});

test('flags of up are for making containers, for running them, or for both', () => {
  const args = [
    '--build',
    '--exit-code-from',
    'web',
    '--pull=always',
    '--scale',
    'a=2',
    '--timestamps',
  ];
  assert.deepEqual(upWords(args), {
    create: ['--build', '--pull=always', '--scale', 'a=2'],
    run: ['--exit-code-from', 'web', '--scale', 'a=2', '--timestamps'],
  });
});
