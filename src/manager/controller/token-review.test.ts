import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearlyJson } from '#base/nearly.fixture.ts';
import { KubeError } from '#kube/errors.ts';
import { agentAudience } from '#protocol/resources.ts';
import { pod, replicaSetOf, viewOf, workload } from '../state/sample-world.ts';
import { fakeApi } from './fake-api.fixture.ts';
import type { Reviewed } from './relay-hub.ts';
import { reviewAgentToken } from './token-review.ts';

const never = new AbortController().signal;
const deployment = workload();
const replicaSet = { kind: 'ReplicaSet', object: replicaSetOf(deployment) } as const;
const withAgent = pod({ owner: replicaSet, name: 'a', agent: {} });
const without = pod({ owner: replicaSet, name: 'b' });
const view = viewOf({
  workloads: [{ kind: 'Deployment', object: deployment }, replicaSet],
  pods: [withAgent, without],
});

async function review(status: unknown, token = 't'): Promise<Reviewed> {
  const client = fakeApi(() => ({ status }));
  const pods = new Map([withAgent, without].map((one) => [`shop/${one.metadata.name}`, one]));
  const until = async <R>(look: (store: typeof pods) => R | undefined): Promise<R> => {
    const found = look(pods);
    if (found === undefined) throw new Error('it would wait');
    return found;
  };
  return await reviewAgentToken({ client, pods: { until }, view: () => view }, token, never);
}

function bound(name: string, uid: string, more: object = {}): object {
  return {
    authenticated: true,
    audiences: [agentAudience],
    user: {
      username: 'system:serviceaccount:shop:default',
      extra: {
        'authentication.kubernetes.io/pod-name': [name],
        'authentication.kubernetes.io/pod-uid': [uid],
      },
    },
    ...more,
  };
}

test('a token bound to a pod with an agent is that pod, of that workload', async () => {
  const reviewed = await review(bound('a', 'uid-a'));
  assert.ok(reviewed.ok);
  const { $typeName: _type, ...identity } = reviewed.identity;
  assert.deepEqual(identity, {
    namespace: 'shop',
    pod: 'a',
    podUid: 'uid-a',
    workloadKind: 'Deployment',
    workloadName: 'hello',
  });
});

test('every other token is nobody’s', async () => {
  for (const [what, status, token] of [
    ['no token', bound('a', 'uid-a'), ''],
    ['not authenticated', bound('a', 'uid-a', { authenticated: false })],
    ['the API server’s audience', bound('a', 'uid-a', { audiences: ['https://kubernetes'] })],
    ['no audience', bound('a', 'uid-a', { audiences: [] })],
    ['a person', bound('a', 'uid-a', { user: { username: 'alice', extra: {} } })],
    ['not bound', bound('a', 'uid-a', { user: { username: 'system:serviceaccount:shop:x' } })],
    ['a pod that took the name', bound('a', 'uid-other')],
    ['a pod that is gone', bound('c', 'uid-c')],
    ['a pod without our agent', bound('b', 'uid-b')],
  ] as const) {
    assert.equal((await review(status, token ?? 't')).ok, false, what);
  }
});

test('whatever the API server says: nobody, or exactly whom it says', async () => {
  const samples = [bound('a', 'uid-a'), bound('b', 'uid-b'), { error: 'no', audiences: null }];
  const names = fc.constantFrom('a', 'b', '__proto__', 'constructor', '', 'a/b');
  const others = fc
    .tuple(names, names, fc.constantFrom('system:serviceaccount:shop:x', 'shop', 'system::::'))
    .map(([name, uid, username]) => {
      const { extra } = { extra: { 'authentication.kubernetes.io/pod-name': [name, 'a'] } };
      const uids = { 'authentication.kubernetes.io/pod-uid': [`uid-${uid}`], __proto__: ['a'] };
      return bound('a', 'uid-a', { user: { username, extra: { ...extra, ...uids } } });
    });
  const kind = { authenticated: true, audiences: [agentAudience] };
  await fc.assert(
    fc.asyncProperty(fc.oneof(nearlyJson(samples), others), async (status) => {
      let reviewed: Reviewed;
      try {
        reviewed = await review(status);
      } catch (error) {
        assert.ok(error instanceof KubeError, String(error));
        assert.equal(error.code, 'BadObject');
        return;
      }
      if (!reviewed.ok) {
        assert.notEqual(reviewed.message, '');
        return;
      }
      const { pod: name, podUid, namespace } = reviewed.identity;
      assert.deepEqual([namespace, name, podUid], ['shop', 'a', 'uid-a']);
      assert.partialDeepStrictEqual(status, {
        ...kind,
        user: { extra: { 'authentication.kubernetes.io/pod-uid': ['uid-a'] } },
      });
    }),
    { numRuns: 1000 },
  );
});

test('null is nothing, as Go writes it', async () => {
  const { user } = { user: { username: 'system:serviceaccount:shop:default' } };
  for (const status of [
    { authenticated: null, audiences: null, user: null, error: null },
    { authenticated: true, audiences: [agentAudience], user: { ...user, extra: null } },
  ]) {
    assert.equal((await review(status)).ok, false);
  }
  const extra = {
    'authentication.kubernetes.io/pod-name': ['a'],
    'authentication.kubernetes.io/pod-uid': ['uid-a'],
    'example.com/groups': null,
  };
  assert.ok((await review(bound('a', 'uid-a', { user: { ...user, extra } }))).ok);
});
