import assert from 'node:assert/strict';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { parse } from 'yaml';
import { DescribeResponseSchema, InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import type { ExternalHandler } from '#spec/handler-spec.ts';
import { recordingContext } from '../../../testing.fixture.ts';
import type { UndoStep } from '../../undo/undo-step.ts';
import type { HandlerContext, RunConnection, ServedIntercept } from '../handler-kind.ts';
import { handlerOutput } from '../handler-output.ts';
import { recordingJournal, runTraces } from '../run-traces.fixture.ts';
import { undoSteps } from '../../undo/undo-steps.ts';
import { documentText, externalKind } from './external-kind.ts';
import { externalDocument } from './external-document.ts';
import { findOwnFile } from './own-file.ts';

const uid = process.getuid?.() ?? 0;

const served = ((): ServedIntercept => {
  const connection: RunConnection = {
    inDocker: undefined,
    daemon: Object.create(null),
    name: '',
    context: 'c',
    namespace: 'ns',
  };
  const info = create(InterceptInfoSchema, {
    id: '1-2',
    name: 'echo',
    state: 'ACTIVE',
    workloadKind: 'Deployment',
    targetHost: '127.0.0.1',
    targetPort: 8080,
    servicePort: 'http',
    environment: { CERT: 'a\nb', PORT: '80' },
    mountPoint: '/m',
    mounts: ['/var/data'],
    podIp: '10.0.0.1',
  });
  const mountPoint = '/m';
  return {
    name: 'echo',
    connection,
    workload: 'echo',
    namespace: 'ns',
    localPort: 8080,
    mountPoint,
    info,
  };
})();

const expected = {
  name: 'ide',
  environment: { OWN: '1' },
  intercepts: [
    {
      id: '1-2',
      name: 'echo',
      disposition: 'ACTIVE',
      workload_kind: 'Deployment',
      target_host: '127.0.0.1',
      target_port: 8080,
      service_port_id: 'http',
      environment: { CERT: 'a\nb', PORT: '80' },
      mount: { local_dir: '/m', remote_dir: '/', pod_ip: '10.0.0.1', mounts: ['/var/data'] },
      filter_desc: 'all TCP requests',
      global: true,
    },
  ],
};

const external = (outputFormat: 'json' | 'yaml', outputPath: string): ExternalHandler => ({
  kind: 'external',
  name: 'ide',
  environment: [],
  isDocker: false,
  outputFormat,
  outputPath,
});

async function bench(): Promise<
  AsyncDisposable & {
    readonly context: HandlerContext;
    readonly lines: string[];
    readonly steps: (UndoStep | 'crossed out')[];
    readonly directory: string;
  }
> {
  const directory = await mkdtemp(join(tmpdir(), 'external-'));
  const { context: cli, lines } = recordingContext();
  const { journal, steps } = recordingJournal();
  const context: HandlerContext = {
    cli: { ...cli, uid },
    name: 'ide',
    environment: { OWN: '1' },
    directory,
    connections: [],
    intercepts: [served],
    output: handlerOutput(cli, { name: 'ide', width: 3 }),
    journal,
    traces: runTraces('x', directory),
  };
  const remove = async (): Promise<void> => await rm(directory, { recursive: true, force: true });
  return { context, lines, steps, directory, [Symbol.asyncDispose]: remove };
}

test('JSON on standard output is one line that begins with a brace', async () => {
  await using one = await bench();
  const ready = await externalKind.prepare(external('json', 'stdout'), one.context);
  const running = await ready.start([served]);
  assert.equal(one.lines.length, 1);
  assert.match(one.lines[0] ?? '', /^\{.*\}$/);
  assert.deepEqual(JSON.parse(one.lines[0] ?? ''), expected);
  await running.stop(0);
  assert.equal(await running.ended, 0);
});

test('YAML says the same, and standard error takes it too', async () => {
  await using one = await bench();
  const ready = await externalKind.prepare(external('yaml', 'stderr'), one.context);
  await ready.start([served]);
  assert.ok(one.lines.every((line) => line.startsWith('! ')));
  assert.deepEqual(parse(one.lines.map((line) => line.slice(2)).join('\n')), expected);
});

test('a file is its owner’s alone, and goes at the end', async () => {
  await using one = await bench();
  const file = join(one.directory, 'out.json');
  const ready = await externalKind.prepare(external('json', 'out.json'), one.context);
  await assert.rejects(stat(file));
  const running = await ready.start([served]);
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), expected);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.partialDeepStrictEqual(one.steps, [{ kind: 'own-file', path: file, isLinked: false }]);
  await running.stop(10);
  assert.deepEqual(await readdir(one.directory), []);
  assert.equal(one.steps.at(-1), 'crossed out');
});

test('a file with anything in it stays as it is, unless a killed run has left it', async () => {
  await using one = await bench();
  const file = join(one.directory, '.env');
  for (const format of ['json', 'yaml'] as const) {
    const handler = external(format, '.env');
    for (const own of ['PASSWORD=x\n', '{}', 'name: x\nenvironment: {}\n', '\0\u0001', '[']) {
      await writeFile(file, own, { mode: 0o644 });
      await assert.rejects(externalKind.prepare(handler, one.context), /which would be lost/);
      assert.equal(await readFile(file, 'utf8'), own);
    }
    for (const left of ['', documentText(externalDocument(expected, [served]), format)]) {
      await writeFile(file, left, { mode: 0o644 });
      const running = await (await externalKind.prepare(handler, one.context)).start([served]);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      await running.stop(10);
      await assert.rejects(stat(file));
    }
  }
});

test('what was put there since is refused, or stays', async () => {
  await using one = await bench();
  const file = join(one.directory, 'out');
  const ready = await externalKind.prepare(external('json', 'out'), one.context);
  await writeFile(file, 'A=1');
  await assert.rejects(ready.start([served]), /which would be lost/);
  assert.deepEqual(one.steps, []);
  await rm(file);
  const running = await ready.start([served]);
  await writeFile(file, 'A=1');
  await running.stop(10);
  assert.equal(await readFile(file, 'utf8'), 'A=1');
});

test('an own link leads to the same file afterwards, with nothing in it', async () => {
  await using one = await bench();
  const at = (name: string): string => join(one.directory, name);
  await writeFile(at('real'), '');
  await symlink('real', at('link'));
  const ready = await externalKind.prepare(external('json', 'link'), one.context);
  const running = await ready.start([served]);
  assert.deepEqual(JSON.parse(await readFile(at('real'), 'utf8')), expected);
  await running.stop(10);
  assert.equal(await readlink(at('link')), 'real');
  assert.equal(await readFile(at('link'), 'utf8'), '');
});

test('whoever takes over from a killed run removes what that one has written, and nothing else', async () => {
  await using one = await bench();
  const file = join(one.directory, 'out');
  const run = { id: 'x', directory: one.directory };
  await (await externalKind.prepare(external('json', 'out'), one.context)).start([served]);
  const text = await readFile(file, 'utf8');
  await writeFile(file, 'A=1');
  await undoSteps(one.context.cli, one.steps, run);
  assert.equal(await readFile(file, 'utf8'), 'A=1');
  await writeFile(file, text);
  await undoSteps(one.context.cli, one.steps, run);
  await assert.rejects(stat(file));
});

test('an own link is followed; those of others and what is no file are refused before anything is done', async () => {
  await using one = await bench();
  const at = (name: string): string => join(one.directory, name);
  await writeFile(at('real'), '');
  await symlink(at('real'), at('link'));
  await symlink(at('nothing'), at('dangling'));
  await mkdir(at('dir'));
  assert.deepEqual(await findOwnFile(at('link'), uid), { path: at('real'), isLinked: true });
  await assert.rejects(findOwnFile(at('link'), uid + 1), /a link that somebody else has put there/);
  await assert.rejects(findOwnFile(at('real'), uid + 1), /somebody else/);
  await assert.rejects(findOwnFile(at('dangling'), uid), /a link to nothing/);
  await assert.rejects(findOwnFile(at('dir'), uid), /no file/);
  await assert.rejects(findOwnFile(at('none/x'), uid), /its directory is not there/);
  await assert.rejects(
    externalKind.prepare(external('json', 'none/x'), one.context),
    /cannot be written/,
  );
});

test('a container that answers is told whose network to join', () => {
  const inDocker = create(DescribeResponseSchema, { networkContainer: 'tp-c-ns-cn' });
  const one = { ...served, connection: { ...served.connection, inDocker } };
  const document = externalDocument({ name: 'ide', environment: {} }, [one]);
  assert.equal(document.intercepts[0]?.network_container, 'tp-c-ns-cn');
});
