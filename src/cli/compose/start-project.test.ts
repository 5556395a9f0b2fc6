import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import { scriptDocker, type ScriptDocker } from '../handler/script-docker.fixture.ts';
import type { HandlerContext, RunningHandler } from '../specification/handlers/handler-kind.ts';
import { handlerOutput } from '../specification/handlers/handler-output.ts';
import type { UndoStep } from '../specification/undo/undo-step.ts';
import { recordingContext } from '../testing.fixture.ts';
import { startProject } from './start-project.ts';
import { runTraces } from '../specification/handlers/run-traces.fixture.ts';

const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => await systemClock.sleep(20, signal),
};
const handler: ComposeHandler = {
  kind: 'compose',
  name: 'shop',
  environment: [],
  compose: { services: [] },
  ports: [],
  options: [],
  args: [],
};

interface Begun extends AsyncDisposable {
  readonly running: RunningHandler | undefined;
  readonly failure: unknown;
  readonly undo: AsyncDisposableStack;
  readonly steps: readonly UndoStep[];
  readonly doubts: () => number;
  readonly ran: () => Promise<readonly string[]>;
}

/** Starts a project without handlers, as a prerequisite does. */
async function begin(script: string): Promise<Begun> {
  const one: ScriptDocker = await scriptDocker(`echo "$*" >>$HERE/ran\n${script}`);
  const directory = `${one.directory}/traces`;
  await mkdir(directory);
  const cli = { ...recordingContext().context, clock };
  const steps: UndoStep[] = [];
  let doubts = 0;
  const context: HandlerContext = {
    cli,
    name: 'shop',
    environment: {},
    directory: one.directory,
    connections: [],
    intercepts: [],
    output: handlerOutput(cli, { name: 'shop', width: 4 }),
    journal: { write: (step) => (steps.push(step), () => {}) },
    traces: runTraces('mine', directory, () => void (doubts += 1)),
  };
  const undo = new AsyncDisposableStack();
  const project = {
    compose: { docker: one.docker, version: '2.26.1', watch: ['watch'] },
    ordersNetworks: true,
    document: { name: 'shop', services: { db: {} }, networks: {}, volumes: {} },
    behaviors: new Map(),
    assigned: new Map(),
    directory: one.directory,
    running: [],
    notes: [],
  };
  const labels = ['telepresence.handler=mine'];
  const start = { handler, project, labels, labelsOn: () => labels, laptop: 'L', served: [] };
  const started = startProject(context, undo, { ...start, told: [], planOf: () => undefined });
  const { running, failure } = await started.then(
    (value) => ({ running: value, failure: undefined }),
    (error: unknown) => ({ running: undefined, failure: error }),
  );
  return {
    running,
    failure,
    undo,
    steps,
    doubts: () => doubts,
    ran: async () => {
      const said = (await one.read('ran')).split('\n').filter(Boolean);
      // Flags of the copy are the same in each.
      return said.map((line) => line.replace(/^compose (--\S+ )*/, 'compose '));
    },
    [Symbol.asyncDispose]: async () => {
      await undo.disposeAsync();
      await one[Symbol.asyncDispose]();
    },
  };
}

test('what somebody has started since the first look is neither made anew nor removed', async () => {
  await using begun = await begin(
    `case $1 in ps) printf 'u1\\tshop-db-1\\trunning\\t\\t\\n';; esac`,
  );
  assert.match(String(begun.failure), /has containers already.*shop-db-1/);
  await begun.undo.disposeAsync();
  const ran = await begun.ran();
  assert.equal(ran.length, 1);
  assert.match(ran[0] ?? '', /^ps .*com\.docker\.compose\.project=shop/);
});

test('all is removed by the label of the run, and nothing by the name of the project', async () => {
  await using begun = await begin(`
case "$*" in
  ps*telepresence.handler=mine*) echo c1;;
  *"network ls"*) echo n1;;
esac`);
  assert.equal(begun.failure, undefined);
  assert.equal(await begun.running?.ended, 0);
  await begun.undo.disposeAsync();
  const ran = await begun.ran();
  assert.deepEqual(
    ran.filter((line) => /^(compose|rm|network rm)/.test(line)),
    ['compose up --no-start', 'compose up', 'rm --force --volumes c1', 'network rm n1'],
  );
  assert.deepEqual(
    begun.steps.filter(({ kind }) => kind === 'command'),
    [],
  );
  assert.equal(begun.doubts(), 0);
});

test('what cannot be removed is the watcher’s, and no failure of the run', async () => {
  await using begun = await begin(`
case "$*" in
  ps*telepresence.handler=mine*) echo c1;;
  rm*) exit 1;;
esac`);
  assert.equal(await begun.running?.ended, 0);
  await begun.undo.disposeAsync();
  assert.equal(begun.doubts(), 1);
});
