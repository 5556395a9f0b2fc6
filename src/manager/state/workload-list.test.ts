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
  const listening = intercept(connection('eve-1'), {
    mode: 'wiretap',
    status: { state: 'Active', workloadKind: 'Deployment' },
  });
  const heldBy = listWorkloads(view, 'shop', [held, refused, listening])[0]?.heldBy ?? [];
  assert.deepEqual(
    heldBy.map(({ client, state, mode }) => [client, state, mode]),
    [
      ['alice@laptop', 'DISCONNECTED', ''],
      ['eve@laptop', 'ACTIVE', 'wiretap'],
    ],
  );
  assert.partialDeepStrictEqual(heldBy[0], { connectionUid: 'uid-alice-1', name: 'hello' });
});
