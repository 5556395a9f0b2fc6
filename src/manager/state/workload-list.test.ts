import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connection,
  intercept,
  pod,
  replicaSetOf,
  service,
  viewOf,
  workload,
} from './sample-world.ts';
import { listWorkloads } from './workload-list.ts';

test('workloads with what stands against them; parts of others are left out', () => {
  const hello = workload();
  const replicaSet = { kind: 'ReplicaSet', object: replicaSetOf(hello) } as const;
  const view = viewOf({
    workloads: [
      { kind: 'Deployment', object: hello },
      replicaSet,
      { kind: 'StatefulSet', object: workload({ name: 'db' }) },
      { kind: 'ReplicaSet', object: workload({ name: 'alone', hostNetwork: true }) },
    ],
    services: [service()],
    pods: [pod({ owner: replicaSet, agent: {} })],
  });
  const listed = listWorkloads(view, 'shop', []).map(
    ({ kind, name, notInterceptableReason, agentInstalled }) => [
      `${kind} ${name}`,
      agentInstalled,
      notInterceptableReason,
    ],
  );
  assert.deepEqual(listed, [
    [
      'ReplicaSet alone',
      false,
      "ReplicaSet alone uses the node's own network (hostNetwork): its traffic cannot be taken without taking the node's",
    ],
    ['StatefulSet db', false, 'no Service selects StatefulSet db'],
    ['Deployment hello', true, ''],
  ]);
});

test('whoever holds a workload is named, whoever was refused is not', () => {
  const view = viewOf({ workloads: [{ kind: 'Deployment', object: workload() }] });
  const held = intercept(connection('alice-1'), {
    status: { state: 'Disconnected', workloadKind: 'Deployment' },
  });
  const refused = intercept(connection('bob-1'), {
    status: { state: 'Error', workloadKind: 'Deployment' },
  });
  assert.deepEqual(listWorkloads(view, 'shop', [held, refused])[0]?.heldBy, [
    {
      connectionUid: 'uid-alice-1',
      client: 'alice@laptop',
      name: 'hello',
      replaced: false,
      state: 'DISCONNECTED',
    },
  ]);
});
