import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rootCommand } from '../commands/registry.ts';
import { wantedFormat } from '../output/format.ts';
import { earlyFlags, findCommand } from './find-command.ts';
import { ownWords } from './own-words.ts';
import { parseLine } from './parse-line.ts';

const own = (...argv: readonly string[]): readonly string[] =>
  ownWords(rootCommand, argv, earlyFlags);

test('ours ends at --, at an image, and after a command that hands all on', () => {
  const handler = ['intercept', 'db', '--docker-run', '-p', '5432'];
  assert.deepEqual(own(...handler, 'postgres', 'psql', '-h', 'x'), handler);
  assert.deepEqual(own('intercept', 'db', '--', '--help'), ['intercept', 'db']);
  assert.deepEqual(own('intercept', 'db', '--help'), ['intercept', 'db', '--help']);
  assert.deepEqual(own('--use', 'a', 'curl', '-o', 'x', 'url'), ['--use', 'a', 'curl']);
  assert.deepEqual(own('curl', '--use', 'a', '--output', 'x'), ['curl', '--use', 'a']);
  assert.deepEqual(own('docker-run', '--help'), ['docker-run', '--help']);
});

test('what another program is told is not taken for ours', () => {
  const argv = ['intercept', 'db', '--docker-run', 'img', '--output', 'yes', '--help'];
  assert.equal(wantedFormat(own(...argv)), undefined);
  assert.equal(findCommand(rootCommand, argv).help, false);
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const { command, rest, help } = findCommand(rootCommand, [
        'docker-run',
        '--use=a',
        'img',
        ...words,
      ]);
      assert.equal(help, false);
      const flags = command.flagGroups.flatMap((group) => group.flags);
      const line = parseLine(flags, command.positionals, rest);
      assert.equal(line.text('use'), 'a');
      assert.deepEqual(line.command, ['img', ...words]);
    }),
  );
});
