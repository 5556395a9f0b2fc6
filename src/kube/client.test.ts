import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import * as v from 'valibot';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from './client.ts';
import { isKubeError } from './errors.ts';
import { kubeObjectSchema } from './objects.ts';
import { resources } from './resource.ts';
import {
  startTestApiServer,
  statusBody,
  testAccess,
  type TestApiServer,
} from './test-api-server.ts';

const signal = AbortSignal.timeout(20_000);
const pod = { resource: resources.pods, namespace: 'default', schema: kubeObjectSchema, signal };

function clientOf(server: Pick<TestApiServer, 'access'>) {
  return createKubeClient({ access: server.access, clock: systemClock, userAgent: 'test' });
}

test('an object is read with the identity’s headers and parsed by the caller’s schema', async () => {
  let authorization: string | undefined;
  let encoding: string | undefined;
  await using server = await startTestApiServer(
    (request, response) => {
      ({ authorization, 'accept-encoding': encoding } = request.headers);
      response.end(JSON.stringify({ kind: 'Pod', metadata: { name: 'echo' }, spec: { x: 1 } }));
    },
    { authorization: 'Bearer t' },
  );
  await using client = clientOf(server);
  const schema = v.object({ spec: v.object({ x: v.number() }) });
  const got = await client.get({ ...pod, name: 'echo', schema });
  assert.deepEqual(got, { spec: { x: 1 } });
  assert.equal(authorization, 'Bearer t');
  // A compressed answer would not be understood.
  assert.equal(encoding, undefined);
  assert.deepEqual(server.seen, ['GET /api/v1/namespaces/default/pods/echo']);
  await assert.rejects(
    client.get({ ...pod, name: 'echo', schema: v.object({ status: v.string() }) }),
    (error) => isKubeError(error, 'BadObject') && error.message.includes('echo'),
  );
});

test('a Status becomes a code, a status and its own words', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 403;
    response.end(statusBody(403, 'Forbidden', 'pods "echo" is forbidden: User "bob" cannot'));
  });
  await using client = clientOf(server);
  await assert.rejects(client.get({ ...pod, name: 'echo' }), (error) => {
    assert.ok(isKubeError(error, 'Forbidden'));
    assert.equal(error.status, 403);
    assert.match(error.message, /get pod default\/echo: pods "echo" is forbidden/);
    return true;
  });
});

test('what is not there: find says undefined, delete says false, get throws NotFound', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 404;
    response.end(statusBody(404, 'NotFound', 'pods "echo" not found'));
  });
  await using client = clientOf(server);
  assert.equal(await client.find({ ...pod, name: 'echo' }), undefined);
  assert.equal(await client.delete({ ...pod, name: 'echo' }), false);
  await assert.rejects(client.get({ ...pod, name: 'echo' }), (error) =>
    isKubeError(error, 'NotFound'),
  );
});

test('a list is read page by page, its items named by kind', async () => {
  await using server = await startTestApiServer((request, response) => {
    const next = new URL(request.url ?? '', 'http://x').searchParams.get('continue');
    response.end(
      JSON.stringify({
        kind: 'PodList',
        metadata: { resourceVersion: '7', ...(next === null ? { continue: 'c1' } : {}) },
        items: [{ metadata: { name: next === null ? 'a' : 'b' } }],
      }),
    );
  });
  await using client = clientOf(server);
  const list = await client.list({ ...pod, labelSelector: 'app=echo' });
  assert.deepEqual(
    list.items.map((item) => [item.kind, item.apiVersion, item.metadata.name]),
    [
      ['Pod', 'v1', 'a'],
      ['Pod', 'v1', 'b'],
    ],
  );
  assert.equal(list.resourceVersion, '7');
  assert.match(server.seen[0] ?? '', /labelSelector=app%3Decho&limit=500$/);
});

test('apply, patch and create say what they are', async () => {
  const types: string[] = [];
  await using server = await startTestApiServer((request, response) => {
    types.push(request.headers['content-type'] ?? '');
    response.end(JSON.stringify({ metadata: { name: 'echo' } }));
  });
  await using client = clientOf(server);
  const named = { ...pod, name: 'echo' };
  await client.apply({ ...named, object: {}, fieldManager: 'telepresence', force: true });
  await client.patch({ ...named, type: 'merge', patch: {} });
  await client.patch({ ...named, type: 'json', patch: [], subresource: 'status' });
  await client.create({ ...pod, object: {}, dryRun: true });
  assert.deepEqual(types, [
    'application/apply-patch+yaml',
    'application/merge-patch+json',
    'application/json-patch+json',
    'application/json',
  ]);
  assert.deepEqual(server.seen, [
    'PATCH /api/v1/namespaces/default/pods/echo?fieldManager=telepresence&force=true',
    'PATCH /api/v1/namespaces/default/pods/echo',
    'PATCH /api/v1/namespaces/default/pods/echo/status',
    'POST /api/v1/namespaces/default/pods?dryRun=All',
  ]);
});

test('a DELETE’s body does not spill into the next request on the connection', async () => {
  const bodies: string[] = [];
  await using server = await startTestApiServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      response.end(JSON.stringify({ metadata: { name: 'echo' } }));
    });
  });
  await using client = clientOf(server);
  assert.equal(await client.delete({ ...pod, name: 'échö', uid: 'u' }), true);
  await client.get({ ...pod, name: 'echo' });
  assert.match(bodies[0] ?? '', /"preconditions":\{"uid":"u"\}/);
  assert.equal(server.sockets.size, 1);
});

test('a refused identity is read anew, once', async () => {
  let refused = 0;
  await using server = await startTestApiServer((_request, response) => {
    refused += 1;
    if (refused === 1) response.statusCode = 401;
    response.end(JSON.stringify({ kind: 'Pod', metadata: { name: 'echo' } }));
  });
  let forgotten = 0;
  const access = { ...server.access, forgetIdentity: () => (forgotten += 1) };
  await using client = clientOf({ access });
  await client.get({ ...pod, name: 'echo' });
  assert.equal(forgotten, 1);
});

test('a kept connection that was closed meanwhile does not fail a read', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.end(JSON.stringify({ metadata: { name: 'echo' } }));
  });
  await using client = clientOf(server);
  for (let round = 0; round < 20; round += 1) {
    await client.get({ ...pod, name: 'echo' });
    for (const socket of server.sockets) socket.resetAndDestroy();
  }
  assert.equal(server.seen.length, 20);
});

test('no server, a silent server and an abort each say what they are', async () => {
  await using nobody = clientOf({ access: testAccess('http://127.0.0.1:1') });
  await assert.rejects(nobody.get({ ...pod, name: 'echo' }), (error) => {
    assert.ok(isKubeError(error, 'Unreachable'));
    assert.match(error.message, /API server http:\/\/127.0.0.1:1: connect ECONNREFUSED/);
    return true;
  });
  await using server = await startTestApiServer(() => {});
  await using client = clientOf(server);
  await assert.rejects(client.get({ ...pod, name: 'echo', deadlineMs: 50 }), (error) => {
    assert.ok(isKubeError(error, 'Unreachable'));
    assert.equal(error.message, 'get pod default/echo: no answer within 50 ms');
    return true;
  });
  const abort = new AbortController();
  const waiting = client.get({ ...pod, name: 'echo', signal: abort.signal });
  await once(server.http, 'request');
  abort.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});
