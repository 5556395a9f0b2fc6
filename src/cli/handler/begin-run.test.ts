import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { recordingContext } from '../testing.fixture.ts';
import { beginRun } from './begin-run.ts';
import { scriptDocker } from './script-docker.fixture.ts';

/** Begins a run and takes it back; what the watcher is told, and what is warned of. */
async function takenBack(script: string, isInterrupted = false) {
  await using fake = await scriptDocker(script);
  const { directory, docker } = fake;
  // In the watcher's place: it writes what it is told, once that has ended.
  const node = join(directory, 'node');
  await writeFile(node, `#!/bin/sh\ncat >"$HERE/told"; mv "$HERE/told" "$HERE/whole"\n`);
  await chmod(node, 0o755);
  const { context, lines } = recordingContext();
  const interrupted = new AbortController();
  await using undo = new AsyncDisposableStack();
  await beginRun(
    {
      ...context,
      env: docker.env,
      uid: process.getuid?.() ?? 0,
      signal: interrupted.signal,
      programs: { ...context.programs, node },
      places: { ...context.places, runtimeDir: join(directory, 'runtime') },
    },
    { docker, id: 'mine', name: 'c', command: 'intercept' },
    undo,
  );
  if (isInterrupted) interrupted.abort(new Error('interrupted'));
  await undo.disposeAsync();
  const signal = AbortSignal.timeout(10_000);
  while ((await fake.docker.run(['version'], { signal })).stdout === '') {
    await systemClock.sleep(20, signal);
  }
  return { told: await fake.read('whole'), lines, log: await fake.read('log') };
}

const script = (remove: string): string => `
  test "$1" != version || { ls "$HERE" | grep whole; exit 0; }
  echo "$*" $(ps -o pgid= -p $$) $$ >>"$HERE/log"
  case $1 in
    ps) echo c1;;
    rm) ${remove};;
  esac`;

test('all is taken back, by commands that Ctrl-C does not reach; the watcher is done', async () => {
  const { told, lines, log } = await takenBack(script('exit 0'));
  assert.equal(told, 'done\n');
  assert.deepEqual(lines, []);
  assert.match(log, /^rm --force --volumes c1 \d+ \d+$/m);
  for (const line of log.trim().split('\n')) {
    const [group, pid] = line.split(' ').slice(-2);
    assert.equal(group, pid, line);
  }
});

test('the watcher is to look where a removal failed, or the command was interrupted', async () => {
  assert.deepEqual((await takenBack(script('exit 1'))).told, '');
  assert.deepEqual((await takenBack(script('exit 0'), true)).told, '');
  const failed = await takenBack(
    script('').replace('echo c1', 'echo Error: no engine >&2; exit 1'),
  );
  assert.equal(failed.told, '');
  assert.match(failed.lines.join('\n'), /warning: something of c may be left: no engine/);
});
