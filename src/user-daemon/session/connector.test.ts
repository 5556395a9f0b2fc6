import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { createLogger, silentLogger } from '#base/log.ts';
import {
  ConnectRequestSchema,
  InterceptRequestSchema,
  type ConnectRequest,
} from '#protocol/gen/telepresence_pb.ts';
import type { OriginalDestination } from '#host/original-destination.ts';
import { createConnector, type Connector } from './connector.ts';
import { startFakeCluster, type FakeCluster } from './fake-cluster.fixture.ts';
import { createRootDaemonClient } from './machine.ts';
import { probeSession } from './session-status.ts';

const signal = AbortSignal.timeout(120_000);
const quiet = { report: () => {}, signal };
const log =
  process.env['TEST_LOG'] === undefined
    ? silentLogger
    : createLogger(
        { clock: systemClock, write: (l) => process.stderr.write(l) },
        { level: 'trace' },
      );

function connectorFor(
  cluster: FakeCluster,
  original?: OriginalDestination,
  socket = 'names.sock',
): Connector {
  return createConnector({
    clock: systemClock,
    random: Math.random,
    randomInt: (below) => randomInt(below),
    log,
    readOriginalDestination: () => original,
    openTunQueue: () => assert.fail('no device in this test'),
    canReadDevice: false,
    createRootDaemonClient,
    userAgent: 'test',
    home: cluster.directory,
    client: 'ann@laptop',
    installId: 'id',
    answerSocket: join(cluster.directory, socket),
    stateDir: cluster.directory,
    loadPerCpu: () => 1,
  });
}

function requestFor(cluster: FakeCluster, more: object = {}): ConnectRequest {
  return create(ConnectRequestSchema, {
    kube: { kubeconfig: cluster.kubeconfig },
    rootDaemonSocket: cluster.rootSocket,
    directory: cluster.directory,
    ...more,
  });
}

/** A server on a free port; echoes with `prefix` before the first bytes. */
async function echo(prefix: string): Promise<{ server: Server; port: number } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write(prefix);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    server,
    port: portOf(address),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function until(what: string, look: () => boolean): Promise<void> {
  const deadline = systemClock.monotonic() + 5000;
  while (!look()) {
    if (systemClock.monotonic() > deadline) assert.fail(`waited for: ${what}`);
    await systemClock.sleep(5, signal);
  }
}

const activeStatus = {
  state: 'Active',
  workloadKind: 'Deployment',
  service: 'web',
  servicePort: { name: 'http', port: 80 },
  severalPorts: true,
  container: 'app',
  containerPort: 8080,
  protocol: 'TCP',
};
const idle = { interceptStatus: () => undefined };

test('connect, use, disconnect: nothing is left', async () => {
  await using service = await echo('service:');
  await using cluster = await startFakeCluster({ ...idle, servicePort: service.port });
  await using connector = connectorFor(cluster, { address: '10.96.0.10', port: 80 });
  const request = requestFor(cluster);
  const info = await connector.connect(request, quiet);
  assert.equal(info.context, 'test');
  assert.equal(info.namespace, 'default');
  assert.equal(info.server, cluster.api.url);
  assert.equal(info.alreadyConnected, false);

  const [key = '', object] = [...cluster.api.objects][0] ?? [];
  assert.match(key, /^connections\/default\/ann-laptop-[a-z0-9]{5}$/);
  assert.partialDeepStrictEqual(object, { spec: { user: 'ann', client: 'ann@laptop' } });

  const { desired } = cluster;
  assert.ok(desired !== undefined);
  assert.deepEqual(desired.alsoProxy, []);
  assert.deepEqual(desired.subnets, ['10.96.0.0/16', '10.244.0.0/24']);
  assert.partialDeepStrictEqual(desired.openServices, [{ address: '10.96.0.10', port: 80 }]);
  assert.equal(desired.openServices.length, 1);
  assert.deepEqual(desired.dns?.namespaces, ['default', 'other']);

  const socket = connect(desired.redirectPort, '127.0.0.1');
  socket.end('hi');
  assert.equal((await socket.toArray()).join(''), 'service:hi');

  assert.equal((await connector.connect(request, quiet)).alreadyConnected, true);
  await assert.rejects(
    connector.connect(requestFor(cluster, { managerNamespace: 'elsewhere' }), quiet),
    { code: 'AlreadyConnected' },
  );
  assert.ok(connector.state.kind === 'connected');
  const probe = await probeSession({ clock: systemClock }, connector.state.session, signal);
  assert.equal(probe.kind, 'alive');

  assert.equal(await connector.disconnect(), true);
  assert.equal(cluster.api.objects.size, 0);
  assert.equal(cluster.desired, undefined);
  assert.equal(await connector.disconnect(), false);
});

test('a change of the cluster changes the machine', async () => {
  await using cluster = await startFakeCluster(idle);
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  cluster.update({
    services: [
      {
        namespace: 'other',
        name: 'new',
        addresses: ['10.96.0.20'],
        ports: [{ port: 5432, protocol: 'TCP', ready: true }],
      },
    ],
  });
  await until('the new service is open', () => cluster.desired?.openServices.length === 2);
});

test('what is refused, or not redirected, is reset', async () => {
  await using cluster = await startFakeCluster(idle);
  for (const original of [
    { address: '10.96.0.10', port: 80 },
    { address: '192.0.2.1', port: 80 },
    undefined,
  ]) {
    await using connector = connectorFor(cluster, original);
    await connector.connect(requestFor(cluster), quiet);
    const socket = connect(cluster.desired?.redirectPort ?? 0, '127.0.0.1');
    const [error]: unknown[] = await once(socket, 'error');
    assert.equal(systemCode(error), 'ECONNRESET');
    await connector.disconnect();
  }
});

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

test('kubectl delete: an intercept is gone here too, a connection ends the session', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using connector = connectorFor(cluster);
  await connector.connect(requestFor(cluster), quiet);
  const { intercepts } = connector.need();
  await intercepts.intercept(create(InterceptRequestSchema, { name: 'web', port: '1' }), quiet);
  const keys = [...cluster.api.objects.keys()];
  cluster.api.remove(keys.find((key) => key.startsWith('intercepts/')) ?? '');
  await until('the intercept is gone', () => intercepts.list().length === 0);
  cluster.api.remove(keys.find((key) => key.startsWith('connections/')) ?? '');
  await until('the session has ended', () => connector.state.kind === 'ended');
  assert.throws(() => connector.need(), { code: 'NotConnected' });
  await until('the machine is given back', () => cluster.desired === undefined);
  assert.equal((await connector.connect(requestFor(cluster), quiet)).alreadyConnected, false);
});

test('what a killed daemon left is removed by the next one', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => activeStatus });
  await using killed = connectorFor(cluster);
  await killed.connect(requestFor(cluster), quiet);
  await killed
    .need()
    .intercepts.intercept(create(InterceptRequestSchema, { name: 'web', port: '1' }), quiet);
  const left = [...cluster.api.objects.keys()];
  assert.equal(left.length, 2);
  for (const key of left) cluster.api.setStatus(key, { state: 'Disconnected' });
  await using next = connectorFor(cluster, undefined, 'next.sock');
  await using free = await startFakeCluster(idle);
  await next.connect(requestFor(cluster, { rootDaemonSocket: free.rootSocket }), quiet);
  await until('they are gone', () => left.every((key) => !cluster.api.objects.has(key)));
  assert.equal(cluster.api.objects.size, 1);
});

test('lost tunnels come back by themselves', async () => {
  await using service = await echo('service:');
  await using cluster = await startFakeCluster({ ...idle, servicePort: service.port });
  await using connector = connectorFor(cluster, { address: '10.96.0.10', port: 80 });
  await connector.connect(requestFor(cluster), quiet);
  await until('all are up', () => cluster.sessions.size === 7);
  const before = new Set(cluster.sessions);
  for (const session of before) session.destroy(new Error('cut'));
  const { tunnels } = connector.need();
  await until('all are up again', () => {
    const fresh = [...cluster.sessions].filter((session) => !before.has(session));
    return fresh.length === 7 && tunnels.outbound.state.open === 4;
  });
  const socket = connect(cluster.desired?.redirectPort ?? 0, '127.0.0.1');
  socket.end('again');
  assert.equal((await socket.toArray()).join(''), 'service:again');
});

test('no manager, no cluster, no namespace: each has its code', async () => {
  await using cluster = await startFakeCluster({ ...idle, managerIsThere: false });
  await using connector = connectorFor(cluster);
  await assert.rejects(
    connector.connect(requestFor(cluster, { managerNamespace: 'nowhere' }), quiet),
    { code: 'ManagerNotInstalled', facts: { managerNamespace: 'nowhere' } },
  );
  await assert.rejects(
    connector.connect(requestFor(cluster, { kube: { kubeconfig: '/nope' } }), quiet),
    { code: 'BadKubeconfig' },
  );
  await assert.rejects(
    connector.connect(
      requestFor(cluster, {
        kube: { kubeconfig: cluster.kubeconfig, others: { server: 'http://127.0.0.1:1' } },
      }),
      quiet,
    ),
    { code: 'ClusterUnreachable' },
  );
  assert.equal(cluster.api.objects.size, 0);
  assert.equal(connector.state.kind, 'none');
});
