import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseChance, leaseFor, type LeaseObject } from './lease.ts';

const own = { pod: 'm-1', start: 'b' };
const alive = (): boolean => true;

function lease(holderIdentity: string, more: Partial<LeaseObject['spec']> = {}): LeaseObject {
  return {
    metadata: { name: 'traffic-manager', namespace: 'ambassador', resourceVersion: '1', uid: 'u' },
    spec: { holderIdentity, leaseDurationSeconds: 10, leaseTransitions: 3, ...more },
  };
}

test('a lease of nobody is taken; of somebody when it has not changed for its length, whatever its times say', () => {
  const seen = { unchangedMs: 0, runs: alive };
  assert.equal(leaseChance(undefined, own, seen).kind, 'take');
  assert.equal(leaseChance(lease(''), own, seen).kind, 'take');
  const old = lease('m-2/a', { renewTime: '1999-01-01T00:00:00.000000Z' });
  assert.deepEqual(leaseChance(old, own, seen), { kind: 'wait', ms: 10_000 });
  const future = lease('m-2/a', { renewTime: '2999-01-01T00:00:00.000000Z' });
  assert.equal(leaseChance(future, own, { unchangedMs: 10_000, runs: alive }).kind, 'take');
});

test('who has died is not waited for: an earlier start of ours, or a pod that is gone', () => {
  const seen = { unchangedMs: 0, runs: () => false };
  assert.equal(leaseChance(lease('m-1/a'), own, { ...seen, runs: alive }).kind, 'take');
  assert.deepEqual(leaseChance(lease('m-2/a'), own, seen), { kind: 'ask', pod: 'm-2' });
});

test('a renewal keeps its beginning, a take-over is counted', () => {
  const first = leaseFor(undefined, own, new Date(0));
  assert.deepEqual(first, {
    holderIdentity: 'm-1/b',
    leaseDurationSeconds: 10,
    acquireTime: '1970-01-01T00:00:00.000000Z',
    renewTime: '1970-01-01T00:00:00.000000Z',
    leaseTransitions: 0,
  });
  const again = leaseFor({ ...lease(''), spec: first }, own, new Date(3000));
  assert.equal(again.acquireTime, first.acquireTime);
  assert.equal(again.renewTime, '1970-01-01T00:00:03.000000Z');
  assert.equal(again.leaseTransitions, 0);
  assert.equal(leaseFor(lease('m-2/a'), own, new Date(0)).leaseTransitions, 4);
});
