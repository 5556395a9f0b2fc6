import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rootCommand } from '../commands/registry.ts';
import { commandHelp } from '../output/help.ts';
import { completeWords } from './complete-words.ts';
import { earlyFlags, findCommand } from './find-command.ts';
import { ownWords } from './own-words.ts';

const pathOf = (...argv: readonly string[]): string =>
  findCommand(rootCommand, argv).command.path.join(' ');

test('the first word of intercept names a subcommand before it names a workload', () => {
  const found = findCommand(rootCommand, ['--use=a', 'intercept', '--docker', 'run', 'x.yaml']);
  assert.deepEqual(found.command.path, ['intercept', 'run']);
  assert.deepEqual(found.rest, ['--use=a', '--docker', 'x.yaml']);
  assert.equal(pathOf('intercept', 'validate', '-'), 'intercept validate');
  assert.equal(pathOf('intercept', '--output', 'json', 'validate', '-'), 'intercept validate');
  assert.equal(pathOf('help', 'intercept', 'run'), 'intercept run');
});

test('a workload may be called as a subcommand', () => {
  for (const argv of [
    ['intercept', 'mine', '--workload', 'run'],
    ['intercept', '--workload', 'run', 'mine'],
    ['intercept', '-w=run', 'mine'],
    ['intercept', 'mine', 'run'],
    ['intercept', '--port', 'run'],
    ['intercept', '--', 'run'],
  ]) {
    assert.equal(pathOf(...argv), 'intercept', argv.join(' '));
  }
});

test('what is ours in the line of a subcommand', () => {
  const argv = ['intercept', 'validate', 'x.yaml', '--output', 'json'];
  assert.deepEqual(ownWords(rootCommand, argv, earlyFlags), argv);
  assert.equal(findCommand(rootCommand, ['intercept', 'run', '--help']).help, true);
});

test('subcommands are completed beside workloads, as the first word only', () => {
  const first = completeWords(rootCommand, ['intercept', '']);
  assert.deepEqual(first, {
    of: 'workload',
    commands: ['run', 'validate'],
    begun: '',
    before: '',
  });
  assert.equal(completeWords(rootCommand, ['intercept', 'validate', '']).of, 'file');
  assert.equal(completeWords(rootCommand, ['intercept', 'a', '']).commands, undefined);
  assert.equal(completeWords(rootCommand, ['intercept', 'a', 'run', '']).of, 'workload');
});

test('the help of intercept tells of both', () => {
  const help = commandHelp(findCommand(rootCommand, ['intercept', '--help']).command);
  assert.match(help, /^ {2}telepresence intercept NAME \[flags\]/m);
  assert.match(help, /^ {2}telepresence intercept COMMAND$/m);
  assert.match(help, /^Available Commands:\n {2}run {7}Run /m);
});
