import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { CliError } from '../../../errors.ts';
import { scriptDocker, type ScriptDocker } from '../../../handler/script-docker.fixture.ts';
import { recordingContext } from '../../../testing.fixture.ts';
import type { RunningHandler } from '../handler-kind.ts';
import { handlerOutput } from '../handler-output.ts';
import { runInForeground } from './foreground.ts';

/** A second of it is short. */
const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => await systemClock.sleep(10, signal),
};

interface Foreground {
  readonly started: Promise<RunningHandler>;
  /** What the watcher was told. */
  readonly said: readonly string[];
  /** Resolves when the docker command runs. */
  readonly runs: Promise<void>;
}

function start(
  { docker, directory }: Pick<ScriptDocker, 'docker' | 'directory'>,
  changes: { readonly signal?: AbortSignal; readonly cwd?: string } = {},
): Foreground {
  const { signal = new AbortController().signal, cwd = directory } = changes;
  const { context } = recordingContext();
  const said: string[] = [];
  const runs = Promise.withResolvers<void>();
  const watcher = {
    runs: (pid: number | undefined): void => {
      said.push(pid === undefined ? 'ended' : 'runs');
      runs.resolve();
    },
    doubt: (): void => void said.push('doubt'),
  };
  const files = { id: join(directory, 'id'), environment: join(directory, 'environment') };
  const deps = { docker, output: handlerOutput(context, { name: 'h', width: 1 }), watcher };
  const words = { args: ['run', 'image'], env: {}, files };
  const of = { name: 'h', container: 'tp-h', directory: cwd, words };
  return { started: runInForeground({ clock, signal }, deps, of), said, runs: runs.promise };
}

test('Ctrl-C ends a docker command that is still making its container', async () => {
  await using fake = await scriptDocker('test "$1" = run || exit 1; exec sleep 60');
  const ctrlC = new AbortController();
  const { started, said, runs } = start(fake, { signal: ctrlC.signal });
  await runs;
  ctrlC.abort(new CliError('Interrupted', 'interrupted'));
  await assert.rejects(started, { message: 'interrupted' });
  assert.deepEqual(said, ['runs', 'ended', 'doubt']);
});

test('a docker command that cannot be started is said, and nothing waits for it', async () => {
  await using fake = await scriptDocker('exit 0');
  const { started, said } = start(fake, { cwd: join(fake.directory, 'nowhere') });
  await assert.rejects(started, { code: 'Failed', message: /docker: .*ENOENT/ });
  assert.deepEqual(said, []);
});

test('a container that runs is there for others to stop', async () => {
  const script = `case $1 in
    run) trap 'exit 143' TERM; echo x >"$HERE/id"; while :; do sleep 0.02; done;;
    inspect) echo 2026-11-22T12:00:00Z;;
    stop) echo "$*" >"$HERE/stopped"; kill "$(cat "$HERE/pid")"; exit 1;;
  esac`;
  await using fake = await scriptDocker(script.replace('run) ', 'run) echo $$ >"$HERE/pid"; '));
  const running = await start(fake).started;
  await running.stop(3);
  assert.equal(await running.ended, 143);
  assert.equal(await fake.read('stopped'), 'stop -t 3 tp-h\n');
});
