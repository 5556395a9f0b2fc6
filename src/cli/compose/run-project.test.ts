import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { scriptDocker, type ScriptDocker } from '../handler/script-docker.fixture.ts';
import { handlerOutput } from '../specification/handlers/handler-output.ts';
import type { RunningHandler } from '../specification/handlers/handler-kind.ts';
import { recordingContext } from '../testing.fixture.ts';
import { runProject } from './run-project.ts';
import { runTraces } from '../specification/handlers/run-traces.fixture.ts';

/** Looks come one after the other at once. */
const clock: Clock = {
  ...systemClock,
  sleep: async (ms, signal) => await systemClock.sleep(Math.min(ms, 20), signal),
};

/**
 * A project of one handler, `web`: `up` runs until the file `over` is there, and so does the container
 * until `exited` says a code. `stop` and `kill` end both.
 */
const project = `
ended() { [ -e $HERE/over ]; }
case "$*" in
  "compose up"*) echo up >>$HERE/ran; until ended; do sleep 0.02; done;;
  "compose stop"*) echo "$*" >>$HERE/ran; sleep "$STOP_TAKES"; echo 0 >$HERE/exited; touch $HERE/over;;
  "compose kill"*) echo "$*" >>$HERE/ran; echo 137 >$HERE/exited; touch $HERE/over;;
  ps*) echo c1;;
  inspect*)
    if [ -e $HERE/exited ]; then printf 'c1\\texited\\t%s\\n' "$(cat $HERE/exited)"
    else printf 'c1\\trunning\\t0\\n'; fi;;
  wait*) until [ -e $HERE/exited ]; do sleep 0.02; done;;
esac`;

interface Run extends AsyncDisposable {
  readonly running: RunningHandler;
  readonly lines: readonly string[];
  readonly script: ScriptDocker;
  /** When \`up\` is there to be ended. */
  readonly isUp: () => Promise<void>;
}

async function runIt(stopTakes = '0'): Promise<Run> {
  const script = await scriptDocker(project, { STOP_TAKES: stopTakes });
  const { docker } = script;
  const { context, lines } = recordingContext();
  const cli = { ...context, clock };
  const output = handlerOutput(cli, { name: 'shop', width: 4 });
  const traces = runTraces('x', '/nowhere');
  const compose = { docker, version: '2.26.1', watch: ['watch'] };
  const undo = new AsyncDisposableStack();
  undo.use(script);
  const running = runProject({ cli, name: 'shop', output, traces }, undo, {
    deps: { compose, journal: { write: () => () => {} }, output },
    project: 'shop',
    words: { global: [], up: [], grace: undefined },
    stopMs: 10_000,
    cwd: script.directory,
    handlers: ['web'],
    services: ['web', 'db'],
    watches: false,
  });
  return {
    running,
    lines,
    script,
    isUp: async () => {
      while ((await script.read('ran')) === '')
        await systemClock.sleep(10, AbortSignal.timeout(9000));
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

test('the exit code of a handler is known before the others have ended', async () => {
  await using run = await runIt();
  await run.isUp();
  await writeFile(join(run.script.directory, 'exited'), '7\n');
  assert.equal(await run.running.ended, 7);
  assert.deepEqual(run.lines, ['! shop  | the service web has ended with exit code 7']);
  assert.equal(await run.script.read('ran'), 'up\n', 'nothing is stopped yet');
  await run.running.stop(10);
  assert.equal(await run.script.read('ran'), 'up\ncompose stop\n');
});

test('services are stopped, each with its own time', async () => {
  await using run = await runIt();
  await run.isUp();
  await run.running.stop(10);
  assert.equal(await run.script.read('ran'), 'up\ncompose stop\n');
  assert.equal(await run.running.ended, 0);
});

test('without any time they are killed at once', async () => {
  await using run = await runIt('60');
  await run.isUp();
  await run.running.stop(0);
  assert.equal(await run.script.read('ran'), 'up\ncompose kill\n');
  assert.equal(await run.running.ended, 137);
});
