import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiLevels } from '#protocol/api-levels.ts';
import * as v from 'valibot';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import { namespaceObject } from './cluster-objects.ts';
import { plan } from './plan.ts';
import {
  connection,
  deploymentView,
  factsOf,
  intercept,
  pod,
  service,
  viewOf,
  workload,
  world,
} from './sample-world.ts';

const alice = connection('alice-1');
const bob = connection('bob-1');
const hello = intercept(alice);
const asked = { [agentRequestAnnotation]: JSON.stringify({ take: 'redirect' }) };

function only<T>(map: ReadonlyMap<unknown, T>): T {
  assert.equal(map.size, 1);
  const [value] = map.values();
  assert.ok(value !== undefined);
  return value;
}

test('pods without an agent: an injection, and the text says how many', () => {
  const view = deploymentView((owner) => [
    pod({ owner, name: 'a', agent: {} }),
    pod({ owner, name: 'b' }),
    pod({ owner, name: 'c' }),
    pod({ owner, name: 'old', ending: true }),
    pod({ owner, name: 'leaving', agent: {}, ending: true }),
  ]);
  const { interceptStatus, injections, served, takes } = plan(
    world({
      connections: [alice],
      intercepts: [hello],
      view,
      facts: factsOf({ live: [alice], active: [{ pod: 'a', intercept: hello }] }),
    }),
  );
  const status = only(interceptStatus);
  assert.equal(status.state, 'Waiting');
  assert.equal(status.message, 'waiting for 2 of 3 pods to get the traffic-agent');
  assert.deepEqual(status.agents, { ready: 1, wanted: 3 });
  assert.deepEqual(only(injections).requests, [
    { take: 'redirect', ports: [] },
    { take: 'rename', ports: ['http'] },
  ]);
  // Who ends is not counted, and stays intercepted to its end.
  assert.deepEqual([...takes.keys()], ['uid-a', 'uid-leaving']);
  assert.deepEqual(served.intercepts[0]?.podUids, ['uid-a', 'uid-leaving']);
});

test('active when every ready pod has it, whatever unready ones do', () => {
  const view = deploymentView((owner) => [
    pod({ owner, name: 'a', agent: {} }),
    pod({ owner, name: 'b', agent: {}, ready: false }),
  ]);
  const facts = factsOf({ live: [alice], active: [{ pod: 'a', intercept: hello }] });
  const result = plan(world({ connections: [alice], intercepts: [hello], view, facts }));
  const status = only(result.interceptStatus);
  assert.equal(status.state, 'Active');
  assert.equal(status.message, undefined);
  assert.equal(status.podIP, '10.244.0.5');
  assert.equal(status.containerPort, 8080);
  assert.equal(result.injections.size, 0);
  assert.deepEqual(result.served.intercepts, [
    {
      uid: hello.metadata.uid,
      connectionUid: alice.metadata.uid,
      namespace: 'shop',
      podUids: ['uid-a', 'uid-b'],
      protocols: ['TCP'],
    },
  ]);
});

test('the laptop is gone: disconnected, nothing is taken, and still served for its return', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a', agent: {} })]);
  const facts = factsOf({ active: [{ pod: 'a', intercept: hello }] });
  const result = plan(world({ connections: [alice], intercepts: [hello], view, facts }));
  assert.equal(only(result.interceptStatus).state, 'Disconnected');
  assert.equal(result.takes.size, 0);
  assert.equal(result.served.intercepts.length, 1);
});

test('a pod made after the request without an agent names the webhook', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a', annotations: asked })], {
    annotations: asked,
  });
  const facts = factsOf({ live: [alice] });
  const result = plan(world({ connections: [alice], intercepts: [hello], view, facts }));
  const status = only(result.interceptStatus);
  assert.equal(status.state, 'Error');
  assert.equal(status.reason, 'AgentMissing');
  assert.match(status.message ?? '', /pod a was made without .* agent-injector/);
  assert.equal(result.injections.size, 0);
});

test('old pods of a template that asks already are only made again', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a' })], { annotations: asked });
  const facts = factsOf({ live: [alice] });
  const need = only(
    plan(world({ connections: [alice], intercepts: [hello], view, facts })).injections,
  );
  assert.equal(need.recreateOnly, true);
});

test('Pod Security leaves only the renamed port, and that only for named ports', () => {
  const restricted = v.parse(namespaceObject, {
    metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
  });
  const facts = factsOf({ live: [alice] });
  const input = { connections: [alice], intercepts: [hello], facts, namespace: () => restricted };
  const named = deploymentView((owner) => [pod({ owner })]);
  assert.deepEqual(only(plan(world({ ...input, view: named })).injections).requests, [
    { take: 'rename', ports: ['http'] },
  ]);
  const object = workload();
  const numeric = viewOf({
    workloads: [{ kind: 'ReplicaSet', object }],
    services: [service('hello', [{ port: 80, targetPort: 8080 }])],
    pods: [pod({ owner: { kind: 'ReplicaSet', object } })],
  });
  assert.deepEqual(only(plan(world({ ...input, view: numeric })).injections).requests, []);
});

test('two intercepts of one workload need one injection', () => {
  const grpc = intercept(alice, { name: 'grpc', port: '81' });
  const object = workload({
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'grpc', containerPort: 9090 },
    ],
  });
  const view = viewOf({
    workloads: [{ kind: 'StatefulSet', object }],
    services: [
      service('hello', [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'grpc', port: 81, targetPort: 'grpc' },
      ]),
    ],
    pods: [pod({ owner: { kind: 'StatefulSet', object } })],
  });
  const http = intercept(alice, { name: 'http', port: '80' });
  const facts = factsOf({ live: [alice] });
  const result = plan(world({ connections: [alice], intercepts: [http, grpc], view, facts }));
  assert.deepEqual(only(result.injections).requests, [
    { take: 'redirect', ports: [] },
    { take: 'rename', ports: ['grpc', 'http'] },
  ]);
});

test('an intercept of a connection that is gone, or is another’s, is an orphan and takes nothing', () => {
  const forged = { ...hello, spec: { ...hello.spec, user: 'bob' } };
  const view = deploymentView((owner) => [pod({ owner, agent: {} })]);
  const facts = factsOf({ live: [alice, bob] });
  for (const [connections, one] of [
    [[bob], hello],
    [[alice], forged],
  ] as const) {
    const result = plan(world({ connections: [...connections], intercepts: [one], view, facts }));
    assert.deepEqual(result.orphaned, [one]);
    assert.equal(result.takes.size, 0);
    assert.equal(result.served.intercepts.length, 0);
    assert.equal(result.interceptStatus.size, 0);
  }
});

test('a connection is counted from its loss, through grace, to its end', () => {
  const lost = connection('alice-1', {
    status: { state: 'Disconnected', disconnectedSince: '2026-01-01T00:00:00Z' },
  });
  const rival = intercept(bob, { created: '2026-01-01T00:00:05Z' });
  const view = deploymentView((owner) => [pod({ owner, agent: {} })]);
  const at = (nowMs: number): ReturnType<typeof plan> =>
    plan(
      world({
        connections: [lost, bob],
        intercepts: [intercept(lost, { status: { state: 'Disconnected' } }), rival],
        view,
        facts: factsOf({ live: [bob] }),
        nowMs: Date.parse('2026-01-01T00:00:00Z') + nowMs,
      }),
    );
  assert.equal(at(59_000).interceptStatus.get(rival)?.reason, 'ConflictLost');
  assert.notEqual(at(60_000).interceptStatus.get(rival)?.state, 'Error');
  assert.deepEqual(at(60_000).expired, []);
  const end = at(86_400_000);
  assert.deepEqual(end.expired, [lost]);
  assert.equal(end.orphaned.length, 1);
});

test('the time without a manager does not count as the laptop’s', () => {
  const before = connection('alice-1', {
    status: { state: 'Connected', renewTime: '2026-01-01T00:00:00Z' },
  });
  const rival = intercept(bob, { created: '2026-01-01T00:00:05Z' });
  const startedMs = Date.parse('2026-01-01T00:02:00Z');
  const at = (nowMs: number): string | undefined =>
    plan(
      world({
        connections: [before, bob],
        intercepts: [intercept(before, { status: { state: 'Active' } }), rival],
        view: deploymentView((owner) => [pod({ owner, agent: {} })]),
        facts: factsOf({ live: [bob] }),
        nowMs,
        startedMs,
      }),
    ).interceptStatus.get(rival)?.reason;
  assert.equal(at(startedMs + 1000), 'Conflict');
  assert.notEqual(at(startedMs + 60_000), 'Conflict');
});

test('the connection’s status: the key at once, renewed each 30 s, the loss dated once', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const statusOf = (one: typeof alice, live: boolean, nowMs = now): unknown => {
    const facts = factsOf({ live: live ? [one] : [] });
    return only(plan(world({ connections: [one], facts, nowMs })).connectionStatus);
  };
  const said = {
    managerKey: 'manager-key',
    managerCa: 'manager-ca',
    managerVersion: '0.1.0',
    apiLevels,
  };
  assert.deepEqual(statusOf(alice, false), said);
  const first = '2026-01-01T01:00:00.000Z';
  const connected = {
    ...said,
    state: 'Connected',
    renewTime: first,
    relays: { 'm-1': first },
  } as const;
  assert.deepEqual(statusOf(alice, true), connected);
  const known = connection('alice-1', { status: connected });
  assert.deepEqual(statusOf(known, true, now + 29_000), connected);
  const later = '2026-01-01T01:00:30.000Z';
  assert.deepEqual(statusOf(known, true, now + 30_000), {
    ...connected,
    renewTime: later,
    relays: { 'm-1': later },
  });
  const gone = {
    ...connected,
    relays: {},
    state: 'Disconnected',
    disconnectedSince: '2026-01-01T01:00:05.000Z',
  } as const;
  assert.deepEqual(statusOf(known, false, now + 5000), gone);
  assert.deepEqual(statusOf(connection('alice-1', { status: gone }), false, now + 9000), gone);
});

test('a laptop is connected with whichever replica has it, and lost with the last one', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const at = '2026-01-01T00:59:50Z';
  const statusWith = (relays: Record<string, string>, live: boolean): unknown => {
    const one = connection('alice-1', { status: { state: 'Connected', renewTime: at, relays } });
    const facts = factsOf({ live: live ? [one] : [] });
    const { state, relays: said } = only(
      plan(world({ connections: [one], facts, nowMs: now })).connectionStatus,
    );
    return [state, Object.keys(said ?? {})];
  };
  assert.deepEqual(statusWith({ 'm-2': at }, false), ['Connected', ['m-2']]);
  assert.deepEqual(statusWith({ 'm-1': at, 'm-2': at }, false), ['Connected', ['m-2']]);
  assert.deepEqual(statusWith({ 'm-2': at }, true), ['Connected', ['m-2', 'm-1']]);
  // Its pod is not there any more, or its node says nothing.
  assert.deepEqual(statusWith({ 'm-3': at }, false), ['Disconnected', []]);
  assert.deepEqual(statusWith({ 'm-2': '2026-01-01T00:58:00Z' }, false), ['Disconnected', []]);
});

test('a replica without the laptop counts its intercept as held, and lets its agents take nothing', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a', agent: {} })]);
  const elsewhere = connection('alice-1', {
    status: { state: 'Connected', relays: { 'm-2': '2026-01-01T00:00:05Z' } },
  });
  const rival = intercept(bob, { created: '2026-01-01T00:00:05Z' });
  const mine = intercept(elsewhere);
  const facts = factsOf({ live: [bob], active: [{ pod: 'a', intercept: mine }] });
  const result = plan(
    world({ connections: [elsewhere, bob], intercepts: [mine, rival], view, facts }),
  );
  assert.equal(result.takes.size, 0);
  assert.equal(result.interceptStatus.get(mine)?.state, 'Active');
  assert.equal(result.interceptStatus.get(rival)?.reason, 'Conflict');
  // What it writes where it holds no Lease is about itself alone.
  const presence = result.presence.get(elsewhere);
  assert.deepEqual(presence, elsewhere.status);
  assert.deepEqual(Object.keys(result.presence.get(bob) ?? {}), ['relays', 'renewTime']);
});

test('a wiretap’s pods copy, an ingest’s know of it: neither takes what an intercept takes', () => {
  const tap = intercept(bob, { object: 'tap', mode: 'wiretap' });
  const ingest = intercept(bob, { object: 'in', name: 'in', mode: 'ingest' });
  const view = deploymentView((owner) => [pod({ owner, name: 'a', agent: {} })]);
  const active = [hello, tap, ingest].map((one) => ({ pod: 'a', intercept: one }));
  const result = plan(
    world({
      connections: [alice, bob],
      intercepts: [hello, tap, ingest],
      view,
      facts: factsOf({ live: [alice, bob], active }),
    }),
  );
  assert.deepEqual(result.takes.get('uid-a'), [
    { interceptUid: hello.metadata.uid, containerPort: 8080, protocol: 'TCP' },
    { mode: 'wiretap', interceptUid: tap.metadata.uid, containerPort: 8080, protocol: 'TCP' },
    { mode: 'ingest', interceptUid: ingest.metadata.uid, containerPort: 0, protocol: 'TCP' },
  ]);
  assert.equal(result.served.intercepts.length, 3);
  const status = result.interceptStatus.get(ingest);
  assert.equal(status?.state, 'Active');
  assert.equal(status.container, 'app');
  assert.equal(status.containerPort, undefined);
});

test('an ingest needs an agent of any kind: also where no port has a name and no rules may be laid', () => {
  const restricted = v.parse(namespaceObject, {
    metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const object = workload({ ports: [{ containerPort: 8080 }] });
  const ingest = intercept(alice, { mode: 'ingest' });
  const input = { connections: [alice], intercepts: [ingest], facts: factsOf({ live: [alice] }) };
  const viewWith = (agent: boolean) =>
    viewOf({
      workloads: [{ kind: 'ReplicaSet', object }],
      pods: [
        pod({ owner: { kind: 'ReplicaSet', object }, ...(agent && { agent: { take: 'rename' } }) }),
      ],
    });
  const without = plan(world({ ...input, view: viewWith(false), namespace: () => restricted }));
  assert.deepEqual(only(without.injections).requests, [{ take: 'rename', ports: [] }]);
  const withOne = plan(world({ ...input, view: viewWith(true), namespace: () => restricted }));
  assert.equal(withOne.injections.size, 0);
  assert.equal(withOne.takes.size, 1);
});
