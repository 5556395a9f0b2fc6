import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { agentRequestText, type AgentConfig, type AgentRequest } from '#protocol/agent-config.ts';
import { agentRequestAnnotation, type Connection } from '#protocol/resources.ts';
import { namespaceObject } from './cluster-objects.ts';
import { plan, type Plan, type World } from './plan.ts';
import {
  connection,
  deploymentView,
  factsOf,
  intercept,
  pod,
  viewOf,
  workload,
  world,
} from './sample-world.ts';
import type { Workload } from './view.ts';

const alice = connection('alice-1');
const bob = connection('bob-1', { created: '2026-01-01T00:00:01Z' });
const hello = intercept(alice, { replaceContainer: true });
const replaced = { take: 'redirect' as const, ports: [], replace: ['app'] };
const plain = { take: 'redirect' as const, ports: [] };
const asking = (request: AgentRequest) => ({ [agentRequestAnnotation]: agentRequestText(request) });

/** What is planned for the Deployment `hello`, whose template and one pod are as said. */
function planned(
  options: {
    readonly template?: AgentRequest;
    readonly pod?: Partial<Parameters<typeof pod>[0]>;
    readonly lost?: boolean;
  } & Partial<World>,
): Plan {
  const { template, pod: one, lost = false, ...more } = options;
  const annotations = template === undefined ? {} : asking(template);
  const view = deploymentView((owner) => [pod({ owner, name: 'a', annotations, ...one })], {
    annotations,
  });
  const object = workload({ annotations });
  const replacing: Workload[] =
    template?.replace !== undefined ? [{ kind: 'Deployment', object }] : [];
  return plan(
    world({
      connections: [alice],
      intercepts: [hello],
      view,
      replacing,
      facts: factsOf({ live: lost ? [] : [alice] }),
      ...more,
    }),
  );
}

function only<T>(map: ReadonlyMap<unknown, T>): T {
  assert.equal(map.size, 1);
  const [value] = map.values();
  assert.ok(value !== undefined);
  return value;
}

/** Without its laptop since a while. */
function gone(since: string): Connection {
  return connection('alice-1', { status: { state: 'Disconnected', disconnectedSince: since } });
}

test('a container steps aside for a laptop that is there, whatever agent its pods have', () => {
  const { injections, interceptStatus } = planned({ template: plain, pod: { agent: {} } });
  assert.deepEqual(only(injections).requests[0], replaced);
  const { state, message } = only(interceptStatus);
  assert.equal(state, 'Waiting');
  assert.equal(message, 'waiting for a pod that still runs container app');
});

test('it is active once no pod runs it, those that end included', () => {
  const agent = { replaced: ['app'] };
  const facts = factsOf({ live: [alice], active: [{ pod: 'a', intercept: hello }] });
  const done = planned({ template: replaced, pod: { agent }, facts });
  assert.equal(only(done.interceptStatus).state, 'Active');
  assert.equal(done.injections.size, 0);
  const view = deploymentView((owner) => [
    pod({ owner, name: 'a', annotations: asking(replaced), agent }),
    pod({ owner, name: 'old', agent: {}, ending: true }),
  ]);
  assert.equal(only(planned({ facts, view }).interceptStatus).state, 'Waiting');
});

test('a laptop that is lost keeps it for the grace, and no longer', () => {
  const agent = { replaced: ['app'] };
  const since = '2026-01-01T00:00:00Z';
  const at = (ms: number): Plan =>
    planned({
      template: replaced,
      pod: { agent },
      connections: [gone(since)],
      lost: true,
      nowMs: Date.parse(since) + ms,
    });
  const kept = at(30_000);
  assert.equal(kept.injections.size, 0);
  assert.equal(
    only(kept.interceptStatus).message,
    'alice@laptop cannot be reached; nobody answers, until container app comes back at 00:01:00 UTC',
  );
  const back = at(61_000);
  assert.deepEqual(only(back.injections).restore, { request: plain });
  assert.match(only(back.interceptStatus).message ?? '', /container app comes back now$/);
  // Nothing is begun for who is not there.
  const idle = planned({ template: plain, pod: { agent: {} }, lost: true });
  assert.equal(idle.injections.size, 0);
});

test('when the intercept is gone it comes back, and the agent stays', () => {
  const { injections } = planned({ template: replaced, intercepts: [] });
  assert.deepEqual(only(injections).restore, { request: plain });
  const two = { ...replaced, replace: ['app', 'other'] };
  assert.deepEqual(only(planned({ template: two, pod: { agent: {} } }).injections).restore, {
    request: replaced,
  });
});

test('another who comes in between needs no second restart', () => {
  const other = intercept(bob, { name: 'other', port: '80' });
  const pods = { agent: { replaced: ['app'] } };
  const { injections } = planned({
    template: replaced,
    pod: pods,
    connections: [alice, bob],
    intercepts: [hello, other],
    facts: factsOf({ live: [alice, bob] }),
  });
  assert.equal(injections.size, 0, 'the second is refused, the first goes on');
});

test('pods of a ReplicaSet that were not made again before somebody noticed', () => {
  const object = workload({ annotations: asking(plain) });
  const owner = { kind: 'ReplicaSet', object } as const;
  const left = pod({ owner, name: 'a', agent: { replaced: ['app'] } });
  const view = viewOf({ workloads: [owner], pods: [left] });
  const { injections } = plan(world({ view, replacing: [owner] }));
  assert.deepEqual(only(injections).restore, { request: plain });
  const done = viewOf({ workloads: [owner], pods: [pod({ owner, name: 'a', agent: {} })] });
  assert.equal(plan(world({ view: done, replacing: [owner] })).injections.size, 0);
});

test('a whole container without ports is active as soon as its agent is there', () => {
  const nothing = intercept(alice, {
    replaceContainer: true,
    containerPorts: [],
    target: { host: '127.0.0.1' },
  });
  const view = deploymentView(
    (owner) => [
      pod({ owner, name: 'a', annotations: asking(replaced), agent: { replaced: ['app'] } }),
    ],
    { containers: [{ name: 'app', ports: [] }], annotations: asking(replaced) },
  );
  const facts = factsOf({ live: [alice], active: [{ pod: 'a', intercept: hello }] });
  const { interceptStatus, takes } = planned({ view, intercepts: [nothing], facts });
  const status = only(interceptStatus);
  assert.equal(status.state, 'Active');
  assert.equal(status.containerPort, undefined);
  assert.deepEqual(status.ports, []);
  // Its localhost may be asked for (--to-pod), so the agent knows whose it is.
  assert.deepEqual([...takes.values()].flat(), [
    { mode: 'ingest', interceptUid: nothing.metadata.uid, containerPort: 0, protocol: 'TCP' },
  ]);
});

const dns = [
  { name: 'app', ports: [{ containerPort: 53 }, { containerPort: 53, protocol: 'UDP' }] },
];
const whole = intercept(alice, {
  replaceContainer: true,
  containerPorts: [],
  target: { host: '127.0.0.1' },
});

/** What is planned where `dns` is replaced in a pod of such an agent. */
function plannedWhole(agent: Partial<AgentConfig>, containers: typeof dns = dns): Plan {
  const request = { ...replaced, take: agent.take ?? 'redirect' };
  const annotations = asking(request);
  const view = deploymentView((owner) => [pod({ owner, name: 'a', annotations, agent })], {
    containers,
    annotations,
  });
  const facts = factsOf({ live: [alice], active: [{ pod: 'a', intercept: whole }] });
  return planned({ view, intercepts: [whole], facts });
}

test('UDP ports of a whole container are taken too, by agents that can', () => {
  const { takes, interceptStatus, served } = plannedWhole({
    replaced: ['app'],
    takesReplaced: true,
  });
  const interceptUid = whole.metadata.uid;
  assert.deepEqual(
    [...takes.values()].flat(),
    (['TCP', 'UDP'] as const).map((protocol) => {
      return { interceptUid, containerPort: 53, protocol, aside: 'whole' };
    }),
  );
  assert.deepEqual(
    only(interceptStatus).ports?.map(({ port, protocol }) => [port, protocol]),
    [
      [53, 'TCP'],
      [53, 'UDP'],
    ],
  );
  assert.deepEqual(served.intercepts[0]?.protocols, ['TCP', 'UDP']);
});

test('an agent of before goes on with the TCP ports, and nobody says that it has others', () => {
  for (const agent of [
    { replaced: ['app'] },
    {
      replaced: ['app'],
      take: 'rename' as const,
      renamed: [{ name: 'dns', listenPort: 9901, appPort: 53 }],
    },
  ]) {
    const { takes, interceptStatus, injections } = plannedWhole(agent);
    assert.deepEqual(
      [...takes.values()].flat().map(({ protocol }) => protocol),
      ['TCP'],
    );
    const status = only(interceptStatus);
    assert.equal(status.state, 'Active');
    assert.deepEqual(
      status.ports?.map(({ protocol }) => protocol),
      ['TCP'],
    );
    assert.equal(injections.size, 0, 'its pod is left alone');
  }
  const ports = [{ name: 'app', ports: [{ containerPort: 53, protocol: 'UDP' }] }];
  const alone = plannedWhole({ replaced: ['app'] }, ports);
  assert.deepEqual(
    [...alone.takes.values()].flat().map(({ mode }) => mode),
    ['ingest'],
  );
  // Who can take it gets both: an agent of before in its image says that it is there.
  const now = plannedWhole({ replaced: ['app'], takesReplaced: true }, ports);
  assert.deepEqual(
    [...now.takes.values()].flat().map(({ mode, protocol }) => mode ?? protocol),
    ['ingest', 'UDP'],
  );
});

test('where NET_ADMIN is forbidden, ports without a name can be had of a container that is aside', () => {
  const restricted = v.parse(namespaceObject, {
    metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const view = deploymentView((owner) => [pod({ owner, name: 'a' })], { containers: dns });
  const { injections } = planned({
    view,
    intercepts: [whole],
    namespace: () => restricted,
  });
  assert.deepEqual(only(injections).requests, [{ take: 'rename', ports: [], replace: ['app'] }]);
  const { takes, interceptStatus } = plannedWhole({
    take: 'rename',
    replaced: ['app'],
    takesReplaced: true,
  });
  assert.equal(only(interceptStatus).state, 'Active');
  assert.equal([...takes.values()].flat().length, 2);
});
