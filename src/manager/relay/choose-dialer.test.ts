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
    ['p2', { namespace: 'shop' }],
    ['p3', { namespace: 'shop' }],
    ['p4', { namespace: 'bank' }],
  ]);
  assert.deepEqual(dialersFor(desired, agents, 'alice'), [['p2'], ['p3']]);
  assert.deepEqual(dialersFor(desired, agents, 'bob'), [['p3'], ['p4']]);
  assert.deepEqual(dialersFor(desired, new Map(), 'alice'), []);
  assert.deepEqual(dialersFor(desired, agents, 'nobody'), []);
});
