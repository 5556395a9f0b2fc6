import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RelayDesiredSchema } from '#protocol/gen/telepresence_pb.ts';
import { dialersFor } from './choose-dialer.ts';
import { desiredOf } from './desired.ts';

const desired = desiredOf(
  create(RelayDesiredSchema, {
    connections: [
      { uid: 'alice', namespace: 'shop', name: 'a', publicKey: 'k' },
      { uid: 'bob', namespace: 'bank', name: 'b', publicKey: 'k' },
    ],
    intercepts: [
      { uid: 'i', connectionUid: 'alice', namespace: 'shop', podUids: ['p1', 'p2'] },
      { uid: 'j', connectionUid: 'bob', namespace: 'shop', podUids: ['p3'] },
    ],
  }),
  [],
);

test('the intercepted workload’s agents, else those of the connected namespace, else none', () => {
  const agents = new Map([
    ['p2', { namespace: 'shop', address: '10.1.0.2' }],
    ['p3', { namespace: 'shop', address: '10.1.0.3' }],
    ['p4', { namespace: 'bank', address: '10.1.0.4' }],
  ]);
  const groups = (connectionUid: string, host = '10.96.0.1', known: typeof agents = agents) =>
    dialersFor(desired, known, { connectionUid, host });
  assert.deepEqual(groups('alice'), [['p2'], ['p3']]);
  assert.deepEqual(groups('bob'), [['p3'], ['p4']]);
  assert.deepEqual(groups('alice', '10.96.0.1', new Map()), []);
  assert.deepEqual(groups('nobody'), []);
  // Nobody dials himself.
  assert.deepEqual(groups('alice', '10.1.0.2'), [['p3']]);
  assert.deepEqual(groups('alice', '10.1.0.3'), [['p2']]);
});
