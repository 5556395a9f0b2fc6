import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { scriptDocker } from '../handler/script-docker.fixture.ts';
import { handlerOutput } from '../specification/handlers/handler-output.ts';
import { recordingContext } from '../testing.fixture.ts';
import { createServices } from './create-services.ts';
import { runTraces } from '../specification/handlers/run-traces.fixture.ts';

const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => await systemClock.sleep(50, signal),
};

/** Makes services by this script; resolves with what it threw, and whether there is a doubt. */
async function create(
  script: string,
  over = new AbortController(),
): Promise<{ readonly failure: unknown; readonly doubts: number }> {
  await using one = await scriptDocker(script);
  const cli = { ...recordingContext().context, clock, signal: over.signal };
  const output = handlerOutput(cli, { name: 'shop', width: 4 });
  let doubts = 0;
  const traces = runTraces('x', '/nowhere', () => void (doubts += 1));
  const compose = { docker: one.docker, version: '2', watch: [] };
  const deps = { compose, journal: { write: () => () => {} }, output };
  const of = { deps, project: 'shop', words: ['up', '--no-start'], cwd: one.directory };
  const creating = createServices({ cli, traces }, of).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (script.includes('ready')) {
    while ((await one.read('ready')) === '') await systemClock.sleep(10, AbortSignal.timeout(9000));
    over.abort(new Error('Ctrl-C'));
  }
  return { failure: await creating, doubts };
}

test('what Compose could not make is said in its words', async () => {
  const { failure, doubts } = await create('echo "no such image" >&2; exit 1');
  assert.match(String(failure), /the services of shop could not be made: no such image/);
  assert.equal(doubts, 0);
  assert.deepEqual(await create('exit 0'), { failure: undefined, doubts: 0 });
});

test('Ctrl-C ends it, also where Compose heeds none', async () => {
  const heeds = await create(
    'trap "exit 130" INT; echo 1 >$HERE/ready; while :; do sleep 0.05; done',
  );
  assert.match(String(heeds.failure), /Ctrl-C/);
  const deaf = await create('trap "" INT; echo 1 >$HERE/ready; while :; do sleep 0.05; done');
  assert.match(String(deaf.failure), /Ctrl-C/);
  assert.equal(deaf.doubts, 1);
});

test('nothing is begun after Ctrl-C', async () => {
  const over = new AbortController();
  over.abort(new Error('Ctrl-C'));
  const { failure } = await create('exit 0', over);
  assert.match(String(failure), /Ctrl-C/);
});
