import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { isKubeError } from '#kube/errors.ts';
import { openPortForward } from '#kube/port-forward.ts';
import { connectCluster, namespace, podCounts, settledAt, signal, type Deps } from './laptop.ts';

async function open(deps: Deps, how: string, port = 9000): Promise<Duplex> {
  const duplex = await openPortForward(deps, {
    namespace,
    pod: 'relay',
    port,
    deadlineMs: 2000,
    signal,
  });
  if (how !== '') duplex.write(`${how}\n`);
  return duplex;
}

test('bytes are raw both ways, on several connections at once', async () => {
  await using deps = await connectCluster();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const duplex = await open(deps, 'echo');
      const sent = randomBytes(4_000_000);
      const got = createHash('sha256');
      let left = sent.length;
      const done = Promise.withResolvers<void>();
      duplex.on('data', (chunk: Buffer) => {
        got.update(chunk);
        left -= chunk.length;
        if (left === 0) done.resolve();
      });
      duplex.write(sent);
      await done.promise;
      assert.equal(got.digest('hex'), createHash('sha256').update(sent).digest('hex'));
      duplex.destroy();
    }),
  );
});

test('the pod’s end comes after all its bytes', async () => {
  await using deps = await connectCluster();
  const duplex = await open(deps, 'flood-8000000');
  assert.equal((await buffer(duplex)).length, 8_000_000);
  if (!duplex.closed) await once(duplex, 'close', { signal });
  assert.equal(duplex.errored, null);
});

test('our end comes after all our bytes, and the pod sees it', async () => {
  await using deps = await connectCluster();
  await podCounts(deps.client, 'reset');
  const duplex = await open(deps, 'sink');
  duplex.resume();
  duplex.end(randomBytes(8_000_000));
  await once(duplex, 'close', { signal });
  assert.equal(duplex.errored, null);
  // containerd waits a second for the pod's own end before it passes ours on.
  let counts = await podCounts(deps.client);
  while (counts.ended === 0) counts = await podCounts(deps.client);
  assert.equal(counts.received, 8_000_000);
});

test('a laptop that stops reading stops the pod; it loses nothing', async () => {
  await using deps = await connectCluster();
  await podCounts(deps.client, 'reset');
  const total = 200_000_000;
  const duplex = await open(deps, `flood-${String(total)}`);
  duplex.on('readable', () => {});
  const sent = await settledAt(async () => (await podCounts(deps.client)).sent);
  assert.ok(sent < total / 2, `${String(sent)} bytes are on the way to nobody`);
  assert.ok(duplex.readableLength < 1_000_000);
  duplex.removeAllListeners('readable');
  let got = 0;
  for await (const chunk of duplex) if (Buffer.isBuffer(chunk)) got += chunk.length;
  assert.equal(got, total);
});

test('a pod that stops reading stops the laptop; it loses nothing', async () => {
  await using deps = await connectCluster();
  await podCounts(deps.client, 'reset');
  const duplex = await open(deps, 'deaf');
  duplex.resume();
  const block = Buffer.alloc(1_000_000, 1);
  const total = 200;
  let sent = 0;
  const pump = async (): Promise<void> => {
    for (; sent < total; sent += 1) {
      if (!duplex.write(block)) await once(duplex, 'drain', { signal });
    }
  };
  const pumping = pump();
  await settledAt(async () => sent);
  assert.ok(sent < total / 2, `${String(sent)} MB were sent to nobody`);
  await podCounts(deps.client, 'listen');
  await pumping;
  await settledAt(async () => (await podCounts(deps.client)).received);
  assert.equal((await podCounts(deps.client)).received, total * block.length);
  duplex.destroy();
});

test('a closed port, an absent pod and missing rights each say what they are', async () => {
  await using deps = await connectCluster();
  const closed = await open(deps, '', 9999);
  const [error]: unknown[] = await once(closed.resume(), 'error', { signal });
  assert.ok(isKubeError(error, 'Unavailable'));
  assert.match(error.message, /port-forward to .*relay:9999: .*connection refused/);
  const target = { namespace, pod: 'absent', port: 9000, deadlineMs: 2000, signal };
  await assert.rejects(openPortForward(deps, target), (error) => isKubeError(error, 'NotFound'));
  await using bob = await connectCluster({ as: 'bob' });
  await assert.rejects(open(bob, 'echo'), (error) => isKubeError(error, 'Forbidden'));
});
