import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema, ListedWorkloadSchema } from '#protocol/gen/telepresence_pb.ts';
import { rootCommand } from '../commands/registry.ts';
import { earlyFlags } from '../parse/find-command.ts';
import { ownWords } from '../parse/own-words.ts';
import { wantedFormat } from './format.ts';
import { formattedOutput } from './formatted.ts';
import { omitEmpty } from './omit-empty.ts';
import { recordingContext } from '../testing.fixture.ts';
import { attachmentObject, workloadObject } from './workload-object.ts';

test('--output and --format, wherever they stand before --', () => {
  assert.equal(wantedFormat(['list']), undefined);
  assert.equal(wantedFormat(['list', '--output', 'default']), undefined);
  assert.deepEqual(wantedFormat(['--output=json', 'list']), { format: 'json', envelope: true });
  assert.deepEqual(wantedFormat(['list', '--format', 'yaml']), { format: 'yaml', envelope: false });
  assert.deepEqual(wantedFormat(['status', '-j']), { format: 'json', envelope: true });
  const argv = ['connect', '--', 'x', '--output', 'nonsense'];
  assert.equal(wantedFormat(ownWords(rootCommand, argv, earlyFlags)), undefined);
  assert.throws(() => wantedFormat(['list', '--output', 'xml']), { code: 'Usage' });
  assert.throws(() => wantedFormat(['list', '--format=default']), { code: 'Usage' });
});

async function printed(
  run: (context: Awaited<ReturnType<typeof formattedOutput>>) => void,
  envelope = true,
): Promise<unknown> {
  const { context, lines } = recordingContext();
  const output = await formattedOutput(context, { format: 'json', envelope, cmd: 'list' });
  run(output);
  output.finish();
  return lines.map((line): unknown => JSON.parse(line));
}

test('the envelope, and what comes without it', async () => {
  assert.deepEqual(await printed(() => {}), []);
  assert.deepEqual(
    await printed(({ context }) => {
      context.print('one');
      context.warn('two');
    }),
    [{ cmd: 'list', stdout: 'one\n', stderr: 'two\n' }],
  );
  const object = [{ name: 'a' }];
  assert.deepEqual(await printed(({ context }) => context.show({ text: ['a'], object })), [
    { cmd: 'list', stdout: object },
  ]);
  const bare = { text: ['a'], object, bare: true };
  assert.deepEqual(await printed(({ context }) => context.show(bare)), [object]);
  assert.deepEqual(await printed(({ context }) => context.show({ text: ['a'], object }), false), [
    object,
  ]);
  // What fails after its result is in the envelope always.
  const failing = (output: Awaited<ReturnType<typeof formattedOutput>>): void => {
    output.context.show(bare);
    output.finish({ message: 'no', hint: 'try' });
  };
  assert.deepEqual(await printed(failing), [
    { cmd: 'list', stdout: object, err: 'no', hint: 'try' },
  ]);
  assert.deepEqual(await printed(failing, false), [{ error: 'no', hint: 'try' }]);
});

test('a command that takes over stdout comes after what was to be said', async () => {
  const { context, lines } = recordingContext();
  const output = await formattedOutput(context, { format: 'json', envelope: true, cmd: 'connect' });
  output.context.print('Connected');
  output.context.flush();
  assert.deepEqual(lines, ['{"cmd":"connect","stdout":"Connected\\n"}']);
  output.finish();
  assert.equal(lines.length, 1);
});

test('empty fields are left out, and nothing else', () => {
  assert.deepEqual(
    omitEmpty({ a: '', b: 0, c: false, d: [], e: {}, f: undefined, g: [0], h: { i: '' }, j: 'x' }),
    { g: [0], j: 'x' },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const once = omitEmpty(value);
      assert.deepEqual(omitEmpty(once), once);
    }),
  );
});

test('workloads and intercepts by the names that scripts know', () => {
  const info = create(InterceptInfoSchema, {
    id: 'u',
    name: 'hello',
    namespace: 'demo',
    state: 'ACTIVE',
    workload: 'hello',
    workloadKind: 'Deployment',
    targetHost: '127.0.0.1',
    targetPort: 8080,
    service: 'hello',
    servicePort: 'http',
    environment: { EMPTY: '' },
  });
  assert.deepEqual(attachmentObject(info), {
    id: 'u',
    name: 'hello',
    disposition: 'ACTIVE',
    workload_kind: 'Deployment',
    target_host: '127.0.0.1',
    target_port: 8080,
    service_port_id: 'http',
    filter_desc: 'all TCP connections',
    global: true,
    environment: { EMPTY: '' },
  });
  const workload = { name: 'hello', namespace: 'demo', kind: 'Deployment', agentInstalled: true };
  assert.partialDeepStrictEqual(
    workloadObject(create(ListedWorkloadSchema, { workload, intercepts: [info] })),
    {
      name: 'hello',
      namespace: 'demo',
      workload_resource_type: 'Deployment',
      sidecar: { agentName: 'hello' },
      intercept_infos: [{ id: 'u', spec: { name: 'hello', target_port: 8080 } }],
    },
  );
});

test('a wiretap says that it is one; an ingest is listed by itself, with what it has', () => {
  const wiretap = create(InterceptInfoSchema, { id: 'w', name: 'tap', mode: 'wiretap' });
  assert.partialDeepStrictEqual(attachmentObject(wiretap), { id: 'w', wiretap: true });
  const ingest = create(InterceptInfoSchema, {
    id: 'g',
    name: 'hello/side',
    mode: 'ingest',
    state: 'ACTIVE',
    workload: 'hello',
    workloadKind: 'Deployment',
    container: 'side',
    mountPoint: '/tmp/telfs-1',
    environment: { A: 'b' },
  });
  assert.deepEqual(attachmentObject(ingest), {
    id: 'g',
    name: 'hello/side',
    disposition: 'ACTIVE',
    workload: 'hello',
    workload_kind: 'Deployment',
    container: 'side',
    mount: { local_dir: '/tmp/telfs-1', remote_dir: '/' },
    environment: { A: 'b' },
  });
  const heldBy = [
    { client: 'bob@laptop2', name: 'mine', state: 'ACTIVE' },
    { client: 'eve@laptop3', name: 'ear', state: 'ACTIVE', mode: 'wiretap' },
  ];
  const listed = { workload: { name: 'hello', heldBy }, intercepts: [wiretap, ingest] };
  assert.partialDeepStrictEqual(workloadObject(create(ListedWorkloadSchema, listed)), {
    intercept_infos: [{ id: 'w', spec: { name: 'tap', wiretap: true } }],
    ingest_infos: [{ id: 'g', name: 'hello/side', container: 'side' }],
    intercepted_by: [{ client: 'bob@laptop2', name: 'mine', disposition: 'ACTIVE' }],
    wiretapped_by: [{ client: 'eve@laptop3', name: 'ear', disposition: 'ACTIVE' }],
  });
});
