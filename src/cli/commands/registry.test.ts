import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rootCommand } from './registry.ts';

test('there are these commands, and hidden ones only for programs that ask for them', () => {
  const { commands = [] } = rootCommand;
  const names = (isHidden: boolean): readonly string[] =>
    commands
      .filter(({ hidden = false }) => hidden === isHidden)
      .map(({ path }) => path.join(' '))
      .toSorted();
  assert.deepEqual(names(true), ['__complete', 'handler-watch']);
  assert.deepEqual(names(false), [
    'completion',
    'config',
    'connect',
    'curl',
    'detach',
    'docker-run',
    'gather-logs',
    'helm',
    'ingest',
    'intercept',
    'leave',
    'list',
    'list-contexts',
    'list-namespaces',
    'loglevel',
    'quit',
    'replace',
    'status',
    'uninstall',
    'version',
    'wiretap',
  ]);
});

test('each command says in words what it does', () => {
  const all = [rootCommand, ...(rootCommand.commands ?? [])];
  for (const { path, summary } of all) assert.match(summary, / /, path.join(' '));
});
