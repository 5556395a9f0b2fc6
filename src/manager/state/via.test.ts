import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { agentRequestAnnotation, type Connection } from '#protocol/resources.ts';
import { namespaceObject } from './cluster-objects.ts';
import { plan } from './plan.ts';
import {
  connection,
  deploymentView,
  factsOf,
  intercept,
  pod,
  workload,
  world,
} from './sample-world.ts';

const asked = { [agentRequestAnnotation]: JSON.stringify({ take: 'redirect' }) };

function naming(name: string, ...via: string[]): Connection {
  const one = connection(name);
  return { ...one, spec: { ...one.spec, via } };
}
const alice = naming('alice-1', 'hello');
const statusOf = (planned: ReturnType<typeof plan>, of: Connection) =>
  planned.connectionStatus.get(of)?.via?.['hello'];

test('a workload without agents gets them, for a laptop that is there', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a' }), pod({ owner, name: 'b' })]);
  const live = factsOf({ live: [alice] });
  const there = plan(world({ connections: [alice], view, facts: live }));
  const [need] = there.injections.values();
  assert.deepEqual(need?.requests, [
    { take: 'redirect', ports: [] },
    { take: 'rename', ports: [] },
  ]);
  assert.deepEqual(need.interceptUids, ['uid-alice-1/hello']);
  assert.equal(statusOf(there, alice)?.state, 'Waiting');
  assert.deepEqual(there.served.vias[0]?.podUids, []);
  const away = plan(world({ connections: [alice], view }));
  assert.equal(away.injections.size, 0);
  const restricted = plan(
    world({
      connections: [alice],
      view,
      facts: live,
      namespace: (name) =>
        v.parse(namespaceObject, {
          metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
        }),
    }),
  );
  const [without] = restricted.injections.values();
  assert.deepEqual(without?.requests, [{ take: 'rename', ports: [] }]);
});

test('one agent that is there is enough; only those that are there are told to the relay', () => {
  const view = deploymentView((owner) => [
    pod({ owner, name: 'a', agent: {} }),
    pod({ owner, name: 'b' }),
    pod({ owner, name: 'gone', agent: {}, ending: true }),
  ]);
  const other = naming('bob-1');
  const facts = factsOf({
    live: [alice, other],
    active: [{ pod: 'a', intercept: intercept(alice) }],
  });
  const planned = plan(world({ connections: [alice, other], view, facts }));
  assert.deepEqual(statusOf(planned, alice), { state: 'Ready', agents: { ready: 1, wanted: 2 } });
  assert.equal(planned.connectionStatus.get(other)?.via, undefined);
  assert.deepEqual(
    planned.served.vias.map(({ connectionUid, podUids }) => [connectionUid, podUids]),
    [['uid-alice-1', ['uid-a']]],
  );
});

test('why there are none', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a' })]);
  const lost = naming('alice-1', 'helo');
  const planned = plan(world({ connections: [lost], view }));
  const status = planned.connectionStatus.get(lost)?.via?.['helo'];
  assert.equal(status?.state, 'Error');
  assert.match(status.message ?? '', /no Deployment.* named helo .*did you mean hello/);
  const refusal = { reason: 'QuotaExceeded', message: 'exceeded quota' } as const;
  const injectionRefusals = new Map([['uid-alice-1/hello', refusal]]);
  const refused = plan(world({ connections: [alice], view, injectionRefusals }));
  assert.deepEqual(statusOf(refused, alice), { state: 'Error', ...refusal });
  const missing = deploymentView((owner) => [pod({ owner, name: 'a', annotations: asked })]);
  const uninjected = plan(world({ connections: [alice], view: missing }));
  assert.equal(statusOf(uninjected, alice)?.reason, 'AgentMissing');
  const node = deploymentView(() => [], { hostNetwork: true });
  const host = plan(world({ connections: [alice], view: node }));
  assert.equal(statusOf(host, alice)?.reason, 'WorkloadNotInterceptable');
});

test('an intercept of the same workload: one injection for both', () => {
  const view = deploymentView((owner) => [pod({ owner, name: 'a' })]);
  const facts = factsOf({ live: [alice] });
  const intercepts = [intercept(alice)];
  const planned = plan(world({ connections: [alice], intercepts, view, facts }));
  const [need, ...others] = planned.injections.values();
  assert.deepEqual(others, []);
  assert.deepEqual(need?.requests, [
    { take: 'redirect', ports: [] },
    { take: 'rename', ports: ['http'] },
  ]);
  assert.equal(need.interceptUids.length, 2);
  assert.equal(workload().metadata.name, 'hello');
});
