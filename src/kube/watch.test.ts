import assert from 'node:assert/strict';
import type http from 'node:http';
import test from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createKubeClient } from './client.ts';
import { isKubeError } from './errors.ts';
import { kubeObjectSchema, type KubeObject } from './objects.ts';
import { resources } from './resource.ts';
import { startTestApiServer, statusBody, type TestApiServer } from './test-api-server.ts';
import { watchResources, type Delta } from './watch.ts';

const signal = AbortSignal.timeout(20_000);

function pod(name: string, version: number, uid = name): object {
  const metadata = { name, namespace: 'default', uid, resourceVersion: String(version) };
  return { kind: 'Pod', apiVersion: 'v1', metadata };
}

function list(version: number, ...items: readonly object[]): string {
  return JSON.stringify({ metadata: { resourceVersion: String(version) }, items });
}

function event(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

interface Watching {
  readonly query: URLSearchParams;
  readonly response: http.ServerResponse;
}

/** A server whose lists are given in order and whose watches are held by the test. */
function script(lists: readonly string[]) {
  const watches: Watching[] = [];
  const waiting: ((watching: Watching) => void)[] = [];
  let listed = 0;
  return {
    answer: (request: http.IncomingMessage, response: http.ServerResponse): void => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      if (query.get('watch') === null) {
        response.end(lists[Math.min(listed, lists.length - 1)]);
        listed += 1;
        return;
      }
      response.flushHeaders();
      const next = waiting.shift();
      if (next === undefined) watches.push({ query, response });
      else next({ query, response });
    },
    async nextWatch(): Promise<Watching> {
      const ready = watches.shift();
      if (ready !== undefined) return ready;
      return await new Promise((resolve) => waiting.push(resolve));
    },
  };
}

function start(server: TestApiServer, clock: Clock = systemClock) {
  const client = createKubeClient({ access: server.access, clock: systemClock, userAgent: 'test' });
  const deltas: string[] = [];
  const watch = watchResources<KubeObject>(
    { client, clock, random: () => 0, log: silentLogger },
    {
      resource: resources.pods,
      namespace: 'default',
      schema: kubeObjectSchema,
      signal,
      onChange: (delta: Delta<KubeObject>) =>
        deltas.push(delta.type === 'synced' ? 'synced' : `${delta.type} ${delta.key}`),
    },
  );
  const until = async (length: number): Promise<readonly string[]> => {
    await watch.until(() => (deltas.length >= length ? true : undefined), signal);
    return deltas.splice(0);
  };
  return { client, watch, until };
}

test('a list, synced, then changes; the version goes on from bookmarks', async () => {
  const api = script([list(5, pod('a', 3), pod('b', 4))]);
  await using server = await startTestApiServer(api.answer);
  const { client, watch, until } = start(server);
  await using _client = client;
  await using _watch = watch;
  assert.deepEqual(await until(3), ['added default/a', 'added default/b', 'synced']);
  await watch.synced(signal);
  const first = await api.nextWatch();
  assert.equal(first.query.get('resourceVersion'), '5');
  assert.equal(first.query.get('allowWatchBookmarks'), 'true');
  const text = event('MODIFIED', pod('a', 6)) + event('DELETED', pod('b', 7));
  // Any split of the bytes.
  first.response.write(text.slice(0, 10));
  first.response.write(text.slice(10));
  assert.deepEqual(await until(2), ['modified default/a', 'deleted default/b']);
  first.response.end(event('BOOKMARK', { metadata: { resourceVersion: '42' } }));
  const second = await api.nextWatch();
  assert.equal(second.query.get('resourceVersion'), '42');
  assert.deepEqual([...watch.store.keys()], ['default/a']);
});

test('Gone lists again and tells the difference only', async () => {
  const api = script([
    list(5, pod('a', 3), pod('b', 4), pod('c', 5)),
    list(90, pod('a', 3), pod('b', 80), pod('c', 81, 'another'), pod('d', 82)),
  ]);
  await using server = await startTestApiServer(api.answer);
  const { client, watch, until } = start(server);
  await using _client = client;
  await using _watch = watch;
  await until(4);
  const first = await api.nextWatch();
  const gone = JSON.parse(statusBody(410, 'Expired', 'too old resource version: 5 (70)'));
  first.response.end(event('ERROR', gone));
  assert.deepEqual(await until(4), [
    'modified default/b',
    'deleted default/c',
    'added default/c',
    'added default/d',
  ]);
  assert.equal((await api.nextWatch()).query.get('resourceVersion'), '90');
});

test('a cut connection goes on from the last version, without a new list', async () => {
  const api = script([list(5, pod('a', 3))]);
  await using server = await startTestApiServer(api.answer);
  const { client, watch, until } = start(server);
  await using _client = client;
  await using _watch = watch;
  await until(2);
  const first = await api.nextWatch();
  first.response.write(event('MODIFIED', pod('a', 6)));
  await until(1);
  for (const socket of server.sockets) socket.resetAndDestroy();
  const second = await api.nextWatch();
  assert.equal(second.query.get('resourceVersion'), '6');
  second.response.write(event('ADDED', pod('b', 7)));
  assert.deepEqual(await until(1), ['added default/b']);
  assert.equal(server.seen.filter((line) => !line.includes('watch=')).length, 1);
});

test('no rights: synced rejects at once; the watch itself goes on trying', async () => {
  let refusals = 0;
  await using server = await startTestApiServer((_request, response) => {
    refusals += 1;
    if (refusals > 1) {
      response.end(list(5, pod('a', 3)));
      return;
    }
    response.statusCode = 403;
    response.end(statusBody(403, 'Forbidden', 'no'));
  });
  const { client, watch, until } = start(server);
  await using _client = client;
  await using _watch = watch;
  await assert.rejects(watch.synced(signal), (error) => isKubeError(error, 'Forbidden'));
  assert.deepEqual(await until(2), ['added default/a', 'synced']);
});

test('a connection that has gone silent is given up for a new one', async () => {
  const api = script([list(5, pod('a', 3))]);
  await using server = await startTestApiServer(api.answer);
  const silences: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (ms, run) => {
      if (ms === 90_000) silences.push(run);
      return { [Symbol.dispose]: () => {} };
    },
  };
  const { client, watch, until } = start(server, clock);
  await using _client = client;
  await using _watch = watch;
  await until(2);
  const first = await api.nextWatch();
  first.response.write(event('MODIFIED', pod('a', 6)));
  await until(1);
  silences.at(-1)?.();
  assert.equal((await api.nextWatch()).query.get('resourceVersion'), '6');
});

test('one object that cannot be read does not hide the others', async () => {
  const strange = { metadata: { name: 7 } };
  const api = script([list(5, strange, pod('a', 3))]);
  await using server = await startTestApiServer(api.answer);
  const { client, watch, until } = start(server);
  await using _client = client;
  await using _watch = watch;
  assert.deepEqual(await until(2), ['added default/a', 'synced']);
  const first = await api.nextWatch();
  const bad = { metadata: { name: 7, resourceVersion: '8' } };
  first.response.write(event('ADDED', bad) + event('ADDED', pod('b', 9)));
  assert.deepEqual(await until(1), ['added default/b']);
});
