import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { leaseApi, type LeaseApi } from './lease-api.fixture.ts';
import { keepLeadership, type Leadership } from './leadership.ts';

/** Time that passes fifty times as fast: ten seconds of a lease are 200 ms. */
const speed = 50;
const fastClock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * speed,
  sleep: async (ms, signal) => await systemClock.sleep(ms / speed, signal),
  after: (ms, run) => systemClock.after(ms / speed, run),
  every: (ms, run) => systemClock.every(ms / speed, run),
};

interface Replica extends AsyncDisposable {
  readonly leadership: Leadership;
  /** What a `kill -9` leaves: no word, and a pod that does not run. */
  kill(): void;
}

const changes = new EventTarget();

async function replica(api: LeaseApi, pod: string, clock = fastClock): Promise<Replica> {
  api.running.add(pod);
  const dead = new AbortController();
  const client: KubeClient = createKubeClient({
    access: api.server.access,
    clock: systemClock,
    userAgent: 'test',
  });
  const leadership = keepLeadership(
    { client, clock, random: Math.random, log: silentLogger },
    {
      namespace: 'ambassador',
      name: 'traffic-manager',
      own: { pod, start: 'a' },
      runs: (name) => api.running.has(name),
      onChange: () => changes.dispatchEvent(new Event('change')),
      signal: dead.signal,
    },
  );
  return {
    leadership,
    kill() {
      dead.abort(new Error('killed'));
      api.running.delete(pod);
    },
    async [Symbol.asyncDispose]() {
      await leadership[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(8000);
  while (!isSo()) {
    await once(changes, 'change', { signal: deadline }).catch((cause: unknown) => {
      throw new Error(what, { cause });
    });
  }
}

test('one of two leads, keeps it, and hands it over the moment that it ends in order', async () => {
  await using api = await leaseApi();
  await using a = await replica(api, 'm-1');
  await until('the first leads', () => a.leadership.isLeader);
  await using b = await replica(api, 'm-2');
  const first = api.lease?.spec.renewTime;
  // Three lengths of a lease.
  await systemClock.sleep(30_000 / speed, AbortSignal.timeout(5000));
  assert.equal(a.leadership.isLeader, true);
  assert.equal(b.leadership.isLeader, false);
  assert.notEqual(api.lease?.spec.renewTime, first);
  await a.leadership.release();
  assert.equal(a.leadership.isLeader, false);
  await until('the second leads', () => b.leadership.isLeader);
  assert.equal(api.lease?.spec.holderIdentity, 'm-2/a');
  assert.equal(api.lease.spec.leaseTransitions, 1);
});

test('a holder that died is not waited for, and only one takes its place', async () => {
  await using api = await leaseApi();
  await using a = await replica(api, 'm-1', systemClock);
  await until('the first leads', () => a.leadership.isLeader);
  await using b = await replica(api, 'm-2', systemClock);
  await using c = await replica(api, 'm-3', systemClock);
  a.kill();
  b.leadership.look();
  c.leadership.look();
  const leads = (): boolean => b.leadership.isLeader || c.leadership.isLeader;
  // Sooner than a lease is long.
  await until('another leads', leads);
  assert.equal(b.leadership.isLeader && c.leadership.isLeader, false);
});

test('cut off from the API server nobody leads; afterwards one does', async () => {
  await using api = await leaseApi();
  await using a = await replica(api, 'm-1');
  await until('the first leads', () => a.leadership.isLeader);
  api.broken = true;
  await until('it has stopped', () => !a.leadership.isLeader);
  api.broken = false;
  await until('it leads again', () => a.leadership.isLeader);
});
