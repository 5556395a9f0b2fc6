import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import * as v from 'valibot';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from './client.ts';
import { recordRevision, type RevisionOptions } from './helm-history.ts';
import { listReleases } from './helm-release.ts';
import { startTestApiServer, statusBody } from './test-api-server.ts';

const where = { namespace: 'ambassador', name: 'traffic-manager' };
const signal = AbortSignal.timeout(20_000);
const secretSchema = v.looseObject({
  metadata: v.looseObject({ name: v.string(), namespace: v.optional(v.string()) }),
});

/** An API server that keeps Secrets; `onWrite` is called before each write is answered. */
async function startSecrets(onWrite: (count: number) => void) {
  const secrets = new Map<string, unknown>();
  let writes = 0;
  const answer: Parameters<typeof startTestApiServer>[0] = (request, response) => {
    void (async () => {
      const { pathname } = new URL(request.url ?? '', 'http://secrets');
      const name = /\/secrets\/(.+)$/.exec(pathname)?.[1];
      if (request.method === 'POST' || request.method === 'PUT') {
        const body: unknown = JSON.parse(await text(request));
        const secret = v.parse(secretSchema, body);
        // The API server does what it was asked, also for somebody who is gone.
        secrets.set(secret.metadata.name, secret);
        writes += 1;
        onWrite(writes);
        response.end(JSON.stringify(secret));
      } else if (name === undefined) {
        response.end(JSON.stringify({ metadata: {}, items: [...secrets.values()] }));
      } else if (secrets.has(name)) {
        response.end(JSON.stringify(secrets.get(name)));
      } else {
        response.statusCode = 404;
        response.end(statusBody(404, 'NotFound', `secrets "${name}" not found`));
      }
    })();
  };
  return await startTestApiServer(answer);
}

function revision(asked: AbortSignal): RevisionOptions {
  const chart = { name: 'c', version: '1', appVersion: '1', description: '' };
  return { ...where, chart, defaults: {}, values: {}, manifest: '', signal: asked };
}

/** Ctrl-C at the so many-th write of the record, and an install after it. */
async function interruptedAt(write: number) {
  const ctrlC = new AbortController();
  await using server = await startSecrets((count) => {
    if (count === write) ctrlC.abort(new Error('Ctrl-C'));
  });
  await using client = createKubeClient({
    access: server.access,
    clock: systemClock,
    userAgent: 'test',
  });
  const deps = { client, clock: systemClock };
  let worked = false;
  const outcome = await recordRevision(deps, revision(ctrlC.signal), async () => {
    worked = true;
  }).then(
    () => 'done',
    (error: unknown) => String(error),
  );
  const statuses = async (): Promise<string[]> =>
    (await listReleases(client, { ...where, signal })).map(({ info }) => info.status);
  const left = await statuses();
  await recordRevision(deps, revision(signal), async () => {});
  return { worked, outcome, left, next: await statuses() };
}

test('Ctrl-C while it is written down that an install begins: it failed, and the next one works', async () => {
  assert.deepEqual(await interruptedAt(1), {
    worked: false,
    outcome: 'Error: Ctrl-C',
    left: ['failed'],
    next: ['failed', 'deployed'],
  });
});

test('Ctrl-C when all is done but the writing down: it is installed', async () => {
  assert.deepEqual(await interruptedAt(2), {
    worked: true,
    outcome: 'done',
    left: ['deployed'],
    next: ['superseded', 'deployed'],
  });
});

test('Ctrl-C before anything: nothing is written', async () => {
  await using server = await startSecrets(() => {});
  await using client = createKubeClient({
    access: server.access,
    clock: systemClock,
    userAgent: 'test',
  });
  const deps = { client, clock: systemClock };
  const work = async (): Promise<void> => assert.fail('nothing is to be done');
  await assert.rejects(
    recordRevision(deps, revision(AbortSignal.abort(new Error('Ctrl-C'))), work),
  );
  assert.ok(server.seen.every((request) => request.startsWith('GET ')));
});
