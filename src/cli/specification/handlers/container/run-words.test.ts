import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunHelp } from '../../../handler/run-options.ts';
import { containerHandler } from '../../specification.fixture.ts';
import { readRunWords, runWords } from './run-words.ts';

const known = parseRunHelp('');

test('ports, options, image, command and its arguments are where docker run wants them', () => {
  const handler = {
    ...containerHandler('h'),
    ports: [5005],
    options: ['--cap-add=NET_RAW', '--volume /here:/there with a blank', '-v', '/a:/b'],
    command: 'node',
    args: ['--inspect', 'main.js'],
  };
  const words = runWords(handler);
  assert.deepEqual(words, [
    '--publish=5005:5005',
    '--cap-add=NET_RAW',
    '--volume',
    '/here:/there with a blank',
    '-v',
    '/a:/b',
    'img',
    'node',
    '--inspect',
    'main.js',
  ]);
  assert.equal(readRunWords(handler, known).image, 'img');
  const source = { kind: 'build', context: '.', args: [] } as const;
  assert.deepEqual(runWords({ ...containerHandler('h'), source }), ['IMAGE']);
});

test('an option that is none is not taken for the image, nor -t for a terminal', () => {
  const check = (...options: readonly string[]): void => {
    const handler = { ...containerHandler('h'), options };
    readRunWords(handler, known);
  };
  assert.throws(() => check('other'), {
    message: 'handler h: "other" among its docker options is no flag of docker run',
  });
  assert.throws(() => check('-it'), {
    message:
      'handler h: --tty is not possible: its output comes line by line, with its name before each',
  });
  check('--tty=false', '-i');
});

test('what is wrong with an option is said as a specification has it', () => {
  const hint =
    'see docker run --help; write one flag with its value into each entry of docker.options, such as --volume=/here:/there';
  const read = (...options: readonly string[]) =>
    readRunWords({ ...containerHandler('h'), options }, known);
  assert.throws(() => read('--nosuch'), {
    message: 'handler h: docker run: unknown flag: --nosuch',
    hint,
  });
  assert.throws(() => read('--volume'), {
    message: 'handler h: the image of the container is missing',
    hint,
  });
});
