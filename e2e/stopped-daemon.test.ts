/** A daemon that is stopped, or does not get to run: every command says so, in one sentence and soon. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signalDaemon } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { telepresence } from './run.ts';

/** By then each has ended: five seconds without a sign of life, and this machine's own delays. */
const deadlineMs = 30_000;
let directory = '';

before(async () => {
  await prepare();
  directory = await mkdtemp(join(tmpdir(), 'telepresence-stopped-'));
  await telepresence(['connect', '--namespace', 'demo']);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await rm(directory, { recursive: true, force: true });
});

const said = /: error: the user daemon does not answer \(waited 5 s\)$/;
const step = /^it is stopped, or this machine is overloaded; .*: pkill -KILL -f -- '--socket /;

const commands: readonly (readonly string[])[] = [
  ['status'],
  ['list'],
  ['list', '--watch'],
  ['connect', '--namespace', 'demo'],
  ['connect', '--namespace', 'demo', '--', 'true'],
  ['intercept', 'hello', '--port', '8080'],
  ['intercept', 'hello', '--port', '8080', '--', 'true'],
  ['leave', 'hello'],
  ['uninstall', 'hello'],
  ['loglevel', 'debug'],
  ['config', 'view'],
  ['version'],
];

test('the user daemon is stopped: every command says so, and it goes on when it runs again', async () => {
  await signalDaemon('user-daemon', 'STOP');
  try {
    const told = await Promise.all(
      commands.map(async (words) => await telepresence(words, { mayFail: true, deadlineMs })),
    );
    for (const [at, { status, stderr }] of told.entries()) {
      const words = (commands[at] ?? []).join(' ');
      const lines = stderr.trim().split('\n');
      // `intercept` may speak of the implicit connect only where there is no connection.
      assert.equal(lines.length, 2, `${words}: ${stderr}`);
      assert.match(lines[0] ?? '', said, words);
      assert.match(lines[1] ?? '', step, words);
      assert.equal(status, 1, words);
    }
    // What it can it gives: the logs of this machine.
    const file = join(directory, 'logs.zip');
    const logs = await telepresence(['gather-logs', '-o', file], { deadlineMs });
    assert.match(logs.stdout, /Logs have been exported/);
    assert.match(logs.stderr, /the user daemon does not answer \(waited 5 s\)/);
  } finally {
    await signalDaemon('user-daemon', 'CONT');
  }
  assert.match((await telepresence(['status'])).stdout, /Status +: Connected/);
});

test('the root daemon is stopped: that is said, and it goes on when it runs again', async () => {
  await signalDaemon('root-daemon', 'STOP');
  try {
    const level = await telepresence(['loglevel', 'debug', '--local-only'], {
      mayFail: true,
      deadlineMs,
    });
    assert.equal(level.status, 1);
    assert.match(level.stderr, /the root daemon: log level: no answer within 2000 ms/);
    const version = await telepresence(['version'], { mayFail: true, deadlineMs });
    assert.match(
      version.stderr,
      /: error: the root daemon does not answer \(waited 5 s\)\n.*sudo pkill/,
    );
    const list = await telepresence(['list'], { deadlineMs });
    assert.match(list.stdout, /^hello /m);
  } finally {
    await signalDaemon('root-daemon', 'CONT');
  }
});
