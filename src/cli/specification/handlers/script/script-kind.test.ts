import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import type { ScriptHandler } from '#spec/handler-spec.ts';
import { recordingContext } from '../../../testing.fixture.ts';
import type { UndoStep } from '../../undo/undo-step.ts';
import type {
  HandlerContext,
  IntendedIntercept,
  RunConnection,
  ServedIntercept,
} from '../handler-kind.ts';
import { handlerOutput } from '../handler-output.ts';
import { recordingJournal, runTraces } from '../run-traces.fixture.ts';
import { laptopMount, scriptKind } from './script-kind.ts';

interface Bench extends AsyncDisposable {
  readonly context: HandlerContext;
  readonly lines: string[];
  readonly steps: (UndoStep | 'crossed out')[];
  readonly directory: string;
}

function intercept(name: string): IntendedIntercept {
  // No part of a connection is looked at by a script.
  const connection: RunConnection = Object.create(null);
  return { name, connection, workload: name, namespace: 'ns', localPort: 1, mountPoint: undefined };
}

function served(name: string, environment: Readonly<Record<string, string>>): ServedIntercept {
  const info = create(InterceptInfoSchema, { name, environment: { ...environment } });
  return { ...intercept(name), info };
}

async function bench(
  changes: { readonly serves?: boolean; readonly environment?: Record<string, string> } = {},
): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'script-'));
  const { context: cli, lines } = recordingContext();
  const { journal, steps } = recordingJournal();
  const { PATH = '' } = process.env;
  const context: HandlerContext = {
    cli: { ...cli, env: { PATH, OF_LAPTOP: 'laptop', BOTH: 'laptop' } },
    name: 'sample',
    environment: changes.environment ?? {},
    directory,
    connections: [],
    intercepts: changes.serves === false ? [] : [intercept('echo')],
    output: handlerOutput(cli, { name: 'sample', width: 6 }),
    journal,
    traces: runTraces('x', directory),
  };
  const remove = async (): Promise<void> => await rm(directory, { recursive: true, force: true });
  return { context, lines, steps, directory, [Symbol.asyncDispose]: remove };
}

const script = (run: string, more: Partial<ScriptHandler> = {}): ScriptHandler => ({
  kind: 'script',
  name: 'sample',
  environment: [],
  run,
  ...more,
});

test('a script prints with its name, in the directory of its file, and its exit code counts', async () => {
  await using one = await bench();
  const ready = await scriptKind.prepare(
    script('pwd\necho err >&2\nprintf "no end"\nexit 7', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([]);
  assert.equal(await running.ended, 7);
  assert.deepEqual(
    one.lines.toSorted(),
    ['! sample  | err', `sample  | ${one.directory}`, 'sample  | no end'].toSorted(),
  );
  assert.equal(one.steps.at(-1), 'crossed out');
});

test("the specification's environment wins over the first pod's, and that over this machine's", async () => {
  await using one = await bench({ environment: { OWN: 'spec', POD: 'spec' } });
  const ready = await scriptKind.prepare(
    script('echo "$OF_LAPTOP,$BOTH,$POD,$OWN,$FIRST,$LINES_"', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([
    served('a', { BOTH: 'pod', POD: 'pod', FIRST: 'a', LINES_: 'x\ny' }),
    served('b', { FIRST: 'b' }),
  ]);
  await running.ended;
  assert.deepEqual(one.lines, ['sample  | laptop,pod,spec,spec,a,x', 'sample  | y']);
});

test('a script is read by the shell that is named, else by the own one, else by sh', async () => {
  await using one = await bench();
  const said = async (shell: ScriptHandler['shell'], own?: string): Promise<string | undefined> => {
    const env = { ...one.context.cli.env, SHELL: own };
    const context = { ...one.context, cli: { ...one.context.cli, env } };
    const handler = script('ps -o args= -p $$ | cut -d" " -f1; :', shell && { shell });
    const running = await (await scriptKind.prepare(handler, context)).start([]);
    await running.ended;
    return one.lines.pop();
  };
  assert.match((await said('bash')) ?? '', /bash$/);
  assert.match((await said(undefined, '/bin/bash')) ?? '', /^sample {2}\| \/bin\/bash$/);
  assert.match((await said(undefined)) ?? '', /\/sh$/);
});

test('a shell that is not there is missed before anything is done', async () => {
  await using one = await bench();
  const env = { PATH: one.directory, SHELL: '/nowhere/fish' };
  const context = { ...one.context, cli: { ...one.context.cli, env } };
  await assert.rejects(scriptKind.prepare(script('true', { shell: 'zsh' }), context), {
    message: 'handler sample is a script for zsh, and there is none on PATH',
  });
  await assert.rejects(scriptKind.prepare(script('true'), context), {
    message: 'handler sample is a script for /nowhere/fish, and there is none',
  });
});

async function untilLine(lines: readonly string[], pattern: RegExp): Promise<string> {
  const until = Date.now() + 10_000;
  for (;;) {
    const found = lines.find((line) => pattern.test(line));
    if (found !== undefined) return found;
    assert.ok(Date.now() < until, `no line like ${String(pattern)}: ${lines.join('\n')}`);
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('stop ends the whole tree, with SIGTERM for who listens to it', async () => {
  await using one = await bench();
  const ready = await scriptKind.prepare(
    script('trap "echo bye; exit 3" TERM; sleep 1000 & echo child $!; wait', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([]);
  const child = Number((await untilLine(one.lines, /child/)).split(' ').at(-1));
  await running.stop(30);
  assert.equal(await running.ended, 3);
  assert.ok(one.lines.includes('sample  | bye'));
  assert.ok(!isAlive(child));
});

test('who does not listen to SIGTERM gets SIGKILL after his time, or sooner when asked again', async () => {
  await using one = await bench();
  const ready = await scriptKind.prepare(
    script('trap "" TERM; echo ready; while :; do sleep 0.1; done', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([]);
  await untilLine(one.lines, /ready/);
  const stopped = running.stop(1000);
  await running.stop(0);
  await stopped;
  assert.equal(await running.ended, 128 + 9);
});

test("the end of a handler's shell is that of what it left in the background", async () => {
  await using one = await bench();
  const ready = await scriptKind.prepare(
    script('sleep 1000 & echo child $!; exit 0', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([]);
  assert.equal(await running.ended, 0);
  const child = Number((await untilLine(one.lines, /child/)).split(' ').at(-1));
  assert.ok(!isAlive(child));
});

test('what a prerequisite leaves in the background stays', async () => {
  await using one = await bench({ serves: false });
  const ready = await scriptKind.prepare(
    script('sleep 1000 & echo $! > pid; exit 0', { shell: 'sh' }),
    one.context,
  );
  const running = await ready.start([]);
  assert.equal(await running.ended, 0);
  const child = Number(await readFile(join(one.directory, 'pid'), 'utf8'));
  assert.ok(isAlive(child));
  process.kill(child);
});

test('the group is written down for who takes over from a killed run', async () => {
  await using one = await bench();
  const ready = await scriptKind.prepare(
    script('sleep 1000', { stopGraceSeconds: 4 }),
    one.context,
  );
  const running = await ready.start([]);
  const [step] = one.steps;
  assert.ok(step !== undefined && step !== 'crossed out' && step.kind === 'process-group');
  assert.equal(step.graceSeconds, 4);
  assert.ok(isAlive(step.pid));
  await running.stop(10);
  assert.equal(one.steps.at(-1), 'crossed out');
});

test('files of the pod are shown where the specification says, from its directory on', async () => {
  await using one = await bench();
  assert.equal(laptopMount({ mountPoint: undefined }, one.directory), undefined);
  assert.equal(laptopMount({ mountPoint: false }, one.directory), undefined);
  assert.deepEqual(laptopMount({ mountPoint: true }, one.directory), { path: '', readOnly: false });
  assert.equal(laptopMount({ mountPoint: 'm' }, one.directory)?.path, join(one.directory, 'm'));
  assert.ok((await stat(one.directory)).isDirectory());
});

test('a script that no shell can be given is told in a sentence', async () => {
  await using one = await bench();
  const start = async (run: string) =>
    await (await scriptKind.prepare(script(run, { shell: 'sh' }), one.context)).start([]);
  await assert.rejects(start(`true ${'x'.repeat(3 << 20)}`), {
    name: 'CliError',
    message:
      /^handler sample: .*the script has 3145733 bytes, which .* more than this system takes$/,
    hint: 'put it into a file, and run that',
  });
  await assert.rejects(start('true \0'), { name: 'CliError', message: /^handler sample: / });
  assert.deepEqual(one.steps, []);
});
