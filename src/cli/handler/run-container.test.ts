import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import type { CliContext } from '../context.ts';
import { recordingContext } from '../testing.fixture.ts';
import { runContainer } from './run-container.ts';
import { scriptDocker } from './script-docker.fixture.ts';

/** A second of it is short. */
const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => await systemClock.sleep(10, signal),
};

/** What a watcher is told, and a context whose signals a test gives. */
function recorded(changes: Partial<CliContext> = {}) {
  const said: string[] = [];
  let receive = (_name: NodeJS.Signals): void => assert.fail('nobody takes signals');
  const context: CliContext = {
    ...recordingContext().context,
    clock,
    takeSignals(taker) {
      receive = taker;
      return { [Symbol.dispose]: () => {} };
    },
    ...changes,
  };
  const running = Promise.withResolvers<void>();
  const watcher = {
    runs: (pid: number | undefined): void => {
      said.push(pid === undefined ? 'ended' : 'runs');
      running.resolve();
    },
    doubt: (): void => void said.push('doubt'),
  };
  const give = (name: NodeJS.Signals): void => receive(name);
  return { context, watcher, said, give, running: running.promise };
}

const options = { args: ['run', 'image'], container: 'c', env: {} };

test("what the pod has in several lines wins over the laptop's variable of that name", async () => {
  await using fake = await scriptDocker('printf %s "$CERT" >"$HERE/cert"', { CERT: 'laptop' });
  const { context, watcher, said } = recorded();
  const env = { CERT: 'a\nb' };
  assert.equal(await runContainer(context, fake, { ...options, env, watcher }).ended, 0);
  assert.equal(await fake.read('cert'), 'a\nb');
  assert.deepEqual(said, ['runs', 'ended']);
});

test('a container that is made and not started yet is stopped again until it ends', async () => {
  // Docker says so of it: stopped, with status 0.
  const script = `case $1 in
    run) while ! test -e "$HERE/third"; do sleep 0.02; done; exit 143;;
    stop) if test -e "$HERE/second"; then mv "$HERE/second" "$HERE/third"
      elif test -e "$HERE/first"; then mv "$HERE/first" "$HERE/second"
      else >"$HERE/first"; fi;;
  esac`;
  await using fake = await scriptDocker(script);
  const { context, watcher, said } = recorded();
  const running = runContainer(context, fake, { ...options, watcher });
  running.stop();
  assert.equal(await running.ended, 143);
  assert.deepEqual(said, ['runs', 'ended', 'doubt']);
});

test('one that is not made yet: the command is ended, and the watcher is to look', async () => {
  const script = 'test "$1" = run || exit 1; exec sleep 60';
  await using fake = await scriptDocker(script);
  const { context, watcher, said, give, running } = recorded();
  const { ended } = runContainer(context, fake, { ...options, watcher });
  await running;
  give('SIGTERM');
  assert.equal(await ended, 143);
  assert.deepEqual(said, ['runs', 'ended', 'doubt']);
});

test('Ctrl-C is handed on where no terminal gives it, wherever the output goes', async () => {
  const script = `case $1 in
    run) trap 'echo int >>"$HERE/got"' INT; trap 'exit 7' TERM
      echo yes >"$HERE/ready"; while :; do sleep 0.02; done;;
    stop) exit 1;;
  esac`;
  for (const hasTerminal of [false, true]) {
    await using fake = await scriptDocker(script);
    const { context, watcher, give } = recorded({ hasTerminal: () => hasTerminal });
    const { ended } = runContainer(context, fake, { ...options, watcher });
    const signal = AbortSignal.timeout(10_000);
    const until = async (isSo: () => Promise<boolean>): Promise<void> => {
      while (!(await isSo())) await systemClock.sleep(10, signal);
    };
    await until(async () => (await fake.read('ready')) !== '');
    give('SIGINT');
    if (!hasTerminal) await until(async () => (await fake.read('got')) !== '');
    give('SIGINT');
    assert.equal(await ended, 7);
    assert.equal(await fake.read('got'), hasTerminal ? '' : 'int\n');
  }
});
