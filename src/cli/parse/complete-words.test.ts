import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rootCommand } from '../commands/registry.ts';
import { completeWords } from './complete-words.ts';
import { findCommand } from './find-command.ts';

const found = (...words: string[]) => completeWords(rootCommand, words);

test('what the last word can be', () => {
  assert.ok(found('li').of.includes('list-contexts'));
  assert.ok(!found('').of.includes('__complete'));
  assert.ok(found('list', '--').of.includes('--output'));
  assert.deepEqual(found('connect', '--context', 'k'), { of: 'context', begun: 'k', before: '' });
  assert.deepEqual(found('connect', '--context=k'), {
    of: 'context',
    begun: 'k',
    before: '--context=',
  });
  assert.deepEqual(found('connect', '--mapped-namespaces', 'a,b'), {
    of: 'namespace',
    begun: 'b',
    before: 'a,',
  });
  assert.equal(found('intercept', '').of, 'workload');
  assert.equal(found('leave', 'h').of, 'intercept');
  assert.equal(found('intercept', 'x', '--', 'npm').of, 'file');
  for (const flag of ['-f', '--values', '--certificate-authority', '--client-key']) {
    assert.equal(found('helm', 'install', flag, 'v').of, 'file', flag);
  }
  assert.equal(found('helm', 'install', '--values=v').of, 'file');
  assert.ok(found('helm', '').of.includes('install'));
  assert.ok(found('list', '--output', 'j').of.includes('json-stream'));
});

test('any line is read to its end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('connect', '-n', '--'))),
      (words) => {
        completeWords(rootCommand, words);
      },
    ),
  );
});

test('flags may stand before the command', () => {
  const line = findCommand(rootCommand, [
    '--output',
    'json',
    '--context=a',
    'helm',
    'install',
    'x',
  ]);
  assert.deepEqual(line.command.path, ['helm', 'install']);
  assert.deepEqual(line.rest, ['--output', 'json', '--context=a', 'x']);
  assert.throws(() => findCommand(rootCommand, ['--nope', 'list']), { code: 'Usage' });
});

test('every command has a summary, and its flags have one meaning each', () => {
  const first = rootCommand.commands ?? [];
  const all = first.concat(
    first.flatMap(({ commands = [] }) => commands),
    first.flatMap(({ subcommands = [] }) => subcommands),
  );
  for (const { path, summary, flagGroups } of all) {
    assert.notEqual(summary, '', path.join(' '));
    const flags = flagGroups.flatMap((group) => group.flags);
    const names = flags.flatMap(({ name, short }) => [`--${name}`, short ?? `--${name}-`]);
    assert.equal(new Set(names).size, names.length, `${path.join(' ')}: ${names.join(' ')}`);
  }
});
