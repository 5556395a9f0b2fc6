import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InterceptRequestSchema } from '#protocol/gen/telepresence_pb.ts';
import {
  activeStatus,
  connectorFor,
  echo,
  quiet,
  requestFor,
} from '../session/connector.fixture.ts';
import { startFakeCluster } from '../session/fake-cluster.fixture.ts';

const { signal } = quiet;

test('an intercept: traffic comes, and stops when it is left', async () => {
  await using handler = await echo('handler:');
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const port = String(handler.port);
  const request = create(InterceptRequestSchema, { name: 'web', port });
  const info = await intercepts.intercept(request, quiet);
  assert.equal(info.state, 'ACTIVE');
  assert.equal(info.servicePort, 'http');
  assert.deepEqual(info.environment, {
    GREETING: 'hello',
    ID: info.id,
    TELEPRESENCE_CONTAINER: 'app',
    TELEPRESENCE_INTERCEPT_ID: info.environment['TELEPRESENCE_INTERCEPT_ID'],
    TELEPRESENCE_MOUNTS: '/etc/config',
    TELEPRESENCE_ROOT: '',
  });
  assert.match(info.environment['TELEPRESENCE_INTERCEPT_ID'] ?? '', /^[0-9a-f-]{36}:web$/);
  const key = [...cluster.api.objects.keys()].find((each) => each.startsWith('intercepts/')) ?? '';
  assert.match(key, /^intercepts\/default\/web-[a-z0-9]{5}$/);
  const object = cluster.api.objects.get(key);
  assert.partialDeepStrictEqual(object, {
    metadata: { ownerReferences: [{ kind: 'Connection', blockOwnerDeletion: false }] },
    spec: { name: 'web', user: 'ann', workload: { name: 'web' } },
  });

  const flowOf = async (id: string): Promise<string> => {
    const [session] = cluster.reverse;
    assert.ok(session !== undefined);
    const { stream } = await session.openFlow({ authority: id, signal });
    stream.end('ping');
    return (await stream.toArray()).join('');
  };
  assert.equal(await flowOf(info.id), 'handler:ping');
  await assert.rejects(flowOf('someone-else'), { code: 'Unavailable' });

  await assert.rejects(
    intercepts.intercept(create(InterceptRequestSchema, { name: 'api', port }), quiet),
    { code: 'PortTaken', facts: { port, owner: 'web' } },
  );
  await intercepts.leave({ name: 'web', id: '' });
  assert.equal(cluster.api.objects.has(key), false);
  assert.deepEqual(intercepts.list(), []);
  await assert.rejects(flowOf(info.id), { code: 'Unavailable' });
  await assert.rejects(intercepts.leave({ name: 'web', id: '' }), { code: 'InterceptNotFound' });
});

test('a handler that is not there refuses', async () => {
  const gone = await echo('');
  await gone[Symbol.asyncDispose]();
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const request = create(InterceptRequestSchema, { name: 'web', port: String(gone.port) });
  const info = await connector.need().intercepts.intercept(request, quiet);
  const [session] = cluster.reverse;
  await assert.rejects(async () => await session?.openFlow({ authority: info.id, signal }), {
    code: 'Refused',
  });
});

test('an intercept under the same name takes over from the old one', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const first = await intercepts.intercept(
    create(InterceptRequestSchema, { name: 'web', port: '1111' }),
    quiet,
  );
  const old = [...cluster.api.objects.keys()].find((key) => key.startsWith('intercepts/')) ?? '';
  const second = await intercepts.intercept(
    create(InterceptRequestSchema, { name: 'web', port: '2222:http' }),
    quiet,
  );
  assert.notEqual(first.id, second.id);
  const left = [...cluster.api.objects].filter(([key]) => key.startsWith('intercepts/'));
  assert.equal(left.length, 1);
  assert.partialDeepStrictEqual(left[0]?.[1], {
    spec: { replaces: old.split('/')[2], port: 'http', target: { port: 2222 } },
  });
  assert.deepEqual(
    intercepts.list().map(({ id }) => id),
    [second.id],
  );
});

test('an intercept that cannot be is taken back, and says why', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => ({ state: 'Error', reason: 'WorkloadNotFound', message: 'no such' }),
  });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  await assert.rejects(
    connector
      .need()
      .intercepts.intercept(create(InterceptRequestSchema, { name: 'x', port: '1' }), quiet),
    {
      code: 'InterceptFailed',
      message: 'no such',
      facts: { reason: 'WorkloadNotFound', name: 'x' },
    },
  );
  assert.equal(cluster.api.objects.size, 1);
});

test('an intercept that is interrupted is taken back', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => ({ state: 'Waiting', message: 'waiting for pods' }),
  });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const interrupt = new AbortController();
  const told: string[] = [];
  await assert.rejects(
    connector
      .need()
      .intercepts.intercept(create(InterceptRequestSchema, { name: 'x', port: '1' }), {
        report(text) {
          told.push(text);
          interrupt.abort(new Error('Ctrl-C'));
        },
        signal: interrupt.signal,
      }),
    { message: 'Ctrl-C' },
  );
  assert.deepEqual(told, ['waiting for pods']);
  assert.equal(cluster.api.objects.size, 1);
});

test('an intercept that another takes over: who runs a command with it is told, and it is left', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const asked = create(InterceptRequestSchema, { name: 'web', port: '1', force: true });
  const { id } = await intercepts.intercept(asked, quiet);
  const key = [...cluster.api.objects.keys()].find((each) => each.startsWith('intercepts/')) ?? '';
  assert.partialDeepStrictEqual(cluster.api.objects.get(key), { spec: { force: true } });
  const held = intercepts.hold(id, AbortSignal.timeout(10_000));
  const message = 'taken over by bob@laptop (intercept web)';
  cluster.api.setStatus(key, { state: 'Error', reason: 'TakenOver', message });
  assert.equal(await held, message);
  assert.deepEqual(intercepts.list(), []);
  assert.equal(cluster.api.objects.has(key), false);
});

test('the pod’s ports: listened on before anything is made, closed with the intercept', async () => {
  await using held = await echo('');
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const make = async (name: string, port: number, toPod: number[]) => {
    const ports = toPod.map((one) => ({ port: one, protocol: 'TCP' }));
    const asked = { name, port: String(port), toPod: ports };
    return await intercepts.intercept(create(InterceptRequestSchema, asked), quiet);
  };
  await assert.rejects(make('web', 1, [held.port]), {
    code: 'PortInUse',
    facts: { port: String(held.port), holder: `node (pid ${String(process.pid)})` },
  });
  await assert.rejects(make('web', 1, [1]), {
    code: 'InterceptFailed',
    message: /--port.*--to-pod/,
  });
  assert.equal(cluster.api.objects.size, 1, 'nothing was made');

  const { port } = held;
  await held[Symbol.asyncDispose]();
  const { id } = await make('web', 1, [port]);
  // Both ways round: what one intercept has of this machine, no other gets.
  const taken = { code: 'PortTaken', facts: { port: String(port), owner: 'web' } };
  await assert.rejects(make('api', 2, [port]), taken);
  await assert.rejects(make('api', port, []), taken);
  await assert.rejects(make('api', 2, [1]), {
    code: 'PortTaken',
    facts: { port: '1', owner: 'web' },
  });
  await intercepts.leave({ name: '', id });
  await using again = await echo('', port);
  assert.equal(again.port, port, 'it is free');
});

test('a port that serves an intercept serves another one where the handler is the same', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const make = async (name: string, sameHandler: string[]) => {
    const asked = create(InterceptRequestSchema, { name, port: '8080', sameHandler });
    return await intercepts.intercept(asked, quiet);
  };
  await make('web', []);
  const taken = { code: 'PortTaken', facts: { port: '8080', owner: 'web' } };
  await assert.rejects(make('api', ['other']), taken);
  await make('api', ['other', 'web']);
  assert.equal(intercepts.list().length, 2);
});

test('a wiretap: its mode is asked for, the handler gets copies and answers nobody', async () => {
  await using handler = await echo('handler:');
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const port = String(handler.port);
  const asked = { name: 'web', port, mode: 'wiretap' };
  const info = await intercepts.intercept(create(InterceptRequestSchema, asked), quiet);
  assert.equal(info.mode, 'wiretap');
  const key = [...cluster.api.objects.keys()].find((each) => each.startsWith('intercepts/')) ?? '';
  assert.partialDeepStrictEqual(cluster.api.objects.get(key), { spec: { mode: 'wiretap' } });
  const [session] = cluster.reverse;
  assert.ok(session !== undefined);
  const { stream } = await session.openFlow({ authority: info.id, signal });
  stream.end('ping');
  assert.equal((await stream.toArray()).join(''), '');
  // What was a wiretap does not become an intercept by a word, and no handler serves both.
  await assert.rejects(
    intercepts.intercept(create(InterceptRequestSchema, { name: 'web', port: '1' }), quiet),
    { code: 'InterceptFailed', message: 'web is the name of a wiretap of yours' },
  );
  await assert.rejects(
    intercepts.intercept(create(InterceptRequestSchema, { name: 'api', port }), quiet),
    { code: 'PortTaken' },
  );
  await intercepts.leave({ name: 'web', id: '' });
  await assert.rejects(session.openFlow({ authority: info.id, signal }), { code: 'Unavailable' });
});

test('ingests: many at once, no port, none of the traffic, left by name or by container', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => ({ state: 'Active', workloadKind: 'Deployment', container: 'app' }),
  });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  const make = async (name: string, container = '') => {
    const asked = { name, workload: 'web', container, mode: 'ingest' };
    return await intercepts.intercept(create(InterceptRequestSchema, asked), quiet);
  };
  const { id, environment } = await make('web');
  assert.equal(environment['GREETING'], 'hello');
  const object = [...cluster.api.objects].find(([key]) => key.startsWith('intercepts/'))?.[1];
  assert.ok(!JSON.stringify(object).includes('target'), 'there is nowhere to send traffic to');
  const [session] = cluster.reverse;
  await assert.rejects(async () => await session?.openFlow({ authority: id, signal }), {
    code: 'Unavailable',
  });
  await make('web/side', 'side');
  assert.deepEqual(
    intercepts.list().map(({ name, mode }) => [name, mode]),
    [
      ['web', 'ingest'],
      ['web/side', 'ingest'],
    ],
  );
  await intercepts.leave({ name: 'web', id: '', container: 'side' });
  await assert.rejects(intercepts.leave({ name: 'web', id: '', container: 'side' }), {
    code: 'InterceptNotFound',
  });
  await make('web/side', 'side');
  await intercepts.leave({ name: 'web', id: '' });
  // Named by its workload alone it is meant where it is the only one.
  await make('web/main', 'main');
  await assert.rejects(intercepts.leave({ name: 'web', id: '' }), {
    code: 'InterceptFailed',
    message: 'there are several ingests of web: web/main, web/side',
  });
  await intercepts.leave({ name: 'web', id: '', container: 'main' });
  await intercepts.leave({ name: 'web', id: '' });
  assert.deepEqual(intercepts.list(), []);
});

test('a manager that knows no modes is asked for none: it would take the traffic', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => activeStatus,
    managerStatus: { apiLevels: { oldest: 1, newest: 1 } },
  });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const asked = create(InterceptRequestSchema, { name: 'web', port: '1', mode: 'wiretap' });
  await assert.rejects(connector.need().intercepts.intercept(asked, quiet), {
    code: 'InterceptFailed',
    message: /which knows no wiretap yet/,
  });
  assert.equal(cluster.api.objects.size, 1, 'nothing was made');
});
