import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import { CliError } from '../errors.ts';
import { recordingContext } from '../testing.fixture.ts';
import { runPrerequisites } from './run-prerequisites.ts';
import { runTraces } from './handlers/run-traces.fixture.ts';

const script = (name: string, run: string): HandlerSpec => ({
  kind: 'script',
  name,
  environment: [],
  run,
  shell: 'sh',
});

/** Runs them, takes all back, and returns what has been done. */
async function done(
  create: string,
  changes: { readonly interruptOn?: string; readonly sweep?: () => Promise<void> } = {},
): Promise<{ readonly log: string; readonly result: unknown; readonly steps: readonly string[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'prerequisites-'));
  const interrupt = new AbortController();
  const never = new AbortController().signal;
  const { context } = recordingContext();
  const { PATH = '' } = process.env;
  const cli = { ...context, env: { PATH }, signal: interrupt.signal };
  const steps: string[] = [];
  const journal = {
    write: ({ kind }: { readonly kind: string }) => {
      steps.push(kind);
      return () => void steps.push(`no ${kind}`);
    },
  };
  const lines = {
    warn: () => {},
    print: (line: string) => {
      if (changes.interruptOn === undefined || !line.includes(changes.interruptOn)) return;
      interrupt.abort(new CliError('Interrupted', 'interrupted'));
    },
  };
  const run = {
    journal,
    tracesOf: () => runTraces('x', directory),
    sweep: changes.sweep ?? (async () => await Promise.resolve()),
    settled: () => {},
  };
  const interrupts = {
    end: interrupt.signal,
    hurry: never,
    force: never,
    [Symbol.dispose]: () => {},
  };
  const shared = { directory, connections: [], journal, width: 6, lines };
  const aftermath = { status: 0 };
  const of = { run, shared, interrupts, aftermath, document: '', name: 'sample' };
  const prerequisites = [
    { create: script('make', create), delete: script('unmake', 'echo unmade >>log') },
  ];
  const undo = new AsyncDisposableStack();
  const result: unknown = await runPrerequisites(cli, { prerequisites }, of, undo).catch(
    (error: unknown) => error,
  );
  await undo.disposeAsync();
  const log = await readFile(join(directory, 'log'), 'utf8').catch(() => '');
  await rm(directory, { recursive: true, force: true });
  return { log, result, steps: steps.filter((step) => step.endsWith('delete')) };
}

const crossed = ['delete', 'no delete'];

test('what undoes one that has succeeded is run, and not of one that failed by itself', async () => {
  const made = await done('echo made >>log');
  assert.deepEqual(made, { log: 'made\nunmade\n', result: 0, steps: crossed });
  const failed = await done('echo half >>log; exit 3');
  assert.deepEqual(failed, { log: 'half\n', result: 3, steps: crossed });
});

test('one that Ctrl-C has stopped is undone: it may have made half', async () => {
  const { log, result, steps } = await done('echo half >>log; echo begun; sleep 60', {
    interruptOn: 'begun',
  });
  assert.equal(log, 'half\nunmade\n');
  assert.ok(result instanceof CliError && result.code === 'Interrupted');
  assert.deepEqual(steps, crossed);
});

test('what goes wrong after its success has it undone, too', async () => {
  let sweeps = 0;
  const sweep = async (): Promise<void> => {
    sweeps += 1;
    if (sweeps === 1) throw new Error('the engine is gone');
    await Promise.resolve();
  };
  const { log, result } = await done('echo made >>log', { sweep });
  assert.equal(log, 'made\nunmade\n');
  assert.ok(result instanceof Error && result.message === 'the engine is gone');
});
