import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordingContext } from '../../testing.fixture.ts';
import { undoSteps } from './undo-steps.ts';

test('commands in the order in which they come; one that fails, or is no step, keeps none of the others', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'undo-'));
  try {
    const say = (word: string) => ({
      kind: 'command',
      words: ['/bin/sh', '-c', `echo ${word} $WHO >>log`],
      directory,
      environment: { WHO: 'x' },
    });
    const missing = { ...say('none'), words: ['/nowhere/to/be/found'] };
    const { context } = recordingContext();
    const steps = [say('first'), missing, { kind: 'what' }, 'noise', say('second')];
    await undoSteps(context, steps, { id: 'run', directory });
    assert.equal(await readFile(join(directory, 'log'), 'utf8'), 'first x\nsecond x\n');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a group of processes: SIGTERM, and SIGKILL for one that does not heed it', async () => {
  const { context } = recordingContext();
  for (const [script, signal] of [
    ['echo ready; exec sleep 60', 'SIGTERM'],
    ['trap "" TERM; echo ready; while :; do sleep 0.1; done', 'SIGKILL'],
  ] as const) {
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    const step = { kind: 'process-group', pid: child.pid, graceSeconds: 0.2 };
    await undoSteps(context, [step], { id: 'run', directory: '/nowhere' });
    assert.deepEqual(await ended, [null, signal]);
  }
});
