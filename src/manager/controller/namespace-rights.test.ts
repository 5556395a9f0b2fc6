import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { systemClock } from '#base/clock.ts';
import { fakeApi } from './fake-api.fixture.ts';
import { createNamespaceRights } from './namespace-rights.ts';

const never = new AbortController().signal;
const review = v.object({
  spec: v.object({
    user: v.string(),
    groups: v.array(v.string()),
    resourceAttributes: v.object({
      verb: v.literal('create'),
      resource: v.literal('connections'),
      namespace: v.optional(v.string()),
    }),
  }),
});

/** Group `admins` may everything, `shop` is open to group `shop`. */
function rights() {
  const client = fakeApi(({ body }) => {
    const { groups, resourceAttributes } = v.parse(review, body).spec;
    const own = resourceAttributes.namespace;
    const allowed = groups.includes('admins') || (own !== undefined && groups.includes(own));
    return { status: { allowed } };
  });
  return { rights: createNamespaceRights({ client, clock: systemClock }), calls: client.calls };
}

test('who may everywhere is asked for once, whoever may not for each namespace, and both are remembered', async () => {
  const it = rights();
  const admin = { user: 'a', groups: ['admins'] };
  assert.deepEqual([...(await it.rights.among(admin, ['x', 'y'], never))], ['x', 'y']);
  assert.equal(it.calls.length, 1);
  const dev = { user: 'd', groups: ['shop'] };
  assert.deepEqual([...(await it.rights.among(dev, ['shop', 'vault'], never))], ['shop']);
  assert.equal(it.calls.length, 4);
  await it.rights.among(dev, ['vault', 'shop'], never);
  assert.equal(it.calls.length, 4);
});

test('another user’s rights, and the same user’s without groups, are their own', async () => {
  const it = rights();
  await it.rights.among({ user: 'd', groups: ['shop'] }, ['shop'], never);
  assert.equal((await it.rights.among({ user: 'd' }, ['shop'], never)).size, 0);
  assert.equal((await it.rights.among({ user: 'e', groups: [] }, ['shop'], never)).size, 0);
});

test('an API server that does not answer opens nothing', async () => {
  const client = fakeApi(() => {
    throw new Error('gone');
  });
  const broken = createNamespaceRights({ client, clock: systemClock });
  await assert.rejects(broken.among({ user: 'd' }, ['shop'], never), { message: 'gone' });
});
