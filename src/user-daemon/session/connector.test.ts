import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { InterceptRequestSchema } from '#protocol/gen/telepresence_pb.ts';
import {
  activeStatus,
  connectorFor,
  echo,
  idle,
  quiet,
  requestFor,
  until,
} from './connector.fixture.ts';
import { startFakeCluster } from './fake-cluster.fixture.ts';
import { probeSession } from './session-status.ts';

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
  const probe = await probeSession({ clock: systemClock }, connector.state.session, quiet.signal);
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

test('a manager of another API level is named before a tunnel is opened', async () => {
  for (const [apiLevels, which] of [
    [{ oldest: 0, newest: 0 }, 'older'],
    [{ oldest: 3, newest: 4 }, 'newer'],
  ] as const) {
    const managerStatus = { apiLevels, managerVersion: '9.9.9' };
    await using cluster = await startFakeCluster({ ...idle, managerStatus });
    await using connector = connectorFor(cluster);
    await assert.rejects(connector.connect(requestFor(cluster), quiet), {
      code: 'ManagerIncompatible',
      facts: { managerNamespace: 'ambassador', which, version: '9.9.9' },
    });
    assert.equal(cluster.sessions.size, 0);
    assert.equal(cluster.desired, undefined);
    assert.equal(cluster.api.objects.size, 0);
  }
});
