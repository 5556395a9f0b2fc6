import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import test from 'node:test';
import { isKubeError } from '#kube/errors.ts';
import { openServiceUpgrade } from '#kube/upgrade.ts';
import { connectCluster, namespace, podCounts, settledAt, signal, type Deps } from './laptop.ts';

async function open(deps: Deps, how: string, service = 'relay'): Promise<Duplex> {
  return await openServiceUpgrade(deps, {
    target: { namespace, service, portName: 'api' },
    path: `/tunnel/${how}`,
    headers: { 'telepresence-nonce': 'bm9uY2U=' },
    deadlineMs: 2000,
    signal,
  });
}

async function echo(duplex: Duplex, bytes: Buffer): Promise<void> {
  const got = createHash('sha256');
  let left = bytes.length;
  const done = Promise.withResolvers<void>();
  duplex.on('data', (chunk: Buffer) => {
    got.update(chunk);
    left -= chunk.length;
    if (left === 0) done.resolve();
  });
  duplex.write(bytes);
  await done.promise;
  assert.equal(got.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
}

test('bytes are raw both ways, on several connections at once', async () => {
  await using deps = await connectCluster();
  const duplexes = await Promise.all(
    Array.from({ length: 6 }, async () => await open(deps, 'echo')),
  );
  await Promise.all(duplexes.map(async (duplex) => await echo(duplex, randomBytes(4_000_000))));
  for (const duplex of duplexes) duplex.destroy();
  const { nonce, authorization } = await podCounts(deps.client);
  assert.equal(nonce, 'bm9uY2U=');
  assert.equal(authorization, '');
});

test('bytes that come with the 101 are not lost, nor those right before the end', async () => {
  await using deps = await connectCluster();
  for (let round = 0; round < 10; round += 1) {
    assert.equal(await text(await open(deps, 'coalesced')), 'came with it');
  }
  const duplex = await open(deps, 'flood-5000000');
  assert.equal((await buffer(duplex)).length, 5_000_000);
});

test('HTTP/2 runs on it, and a stream is one round trip', async () => {
  await using deps = await connectCluster();
  const duplex = await open(deps, 'http2');
  const session = http2.connect('http://relay', { createConnection: () => duplex });
  for (let round = 0; round < 50; round += 1) {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end(`round ${String(round)}`);
    assert.equal(await text(stream), `round ${String(round)}`);
  }
  session.close();
  await once(session, 'close', { signal });
});

test('a laptop that stops reading stops the pod; it loses nothing', async () => {
  await using deps = await connectCluster();
  await podCounts(deps.client, 'reset');
  const total = 200_000_000;
  const duplex = await open(deps, `flood-${String(total)}`);
  duplex.pause();
  const sent = await settledAt(async () => (await podCounts(deps.client)).sent);
  assert.ok(sent < total / 2, `${String(sent)} bytes are on the way to nobody`);
  let got = 0;
  for await (const chunk of duplex) if (Buffer.isBuffer(chunk)) got += chunk.length;
  assert.equal(got, total);
});

test('every refusal says who refused', async () => {
  await using deps = await connectCluster();
  const refused = async (how: string, service: string, code: string, words: RegExp) => {
    await assert.rejects(open(deps, how, service), (error) => {
      assert.ok(isKubeError(error), String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      return true;
    });
  };
  await refused('refused', 'relay', 'Conflict', /service proxy .*https:relay:api: said no so/);
  await refused('silent', 'relay', 'Unreachable', /no answer within 2000 ms/);
  await refused('echo', 'empty', 'Unavailable', /no endpoints available/);
  await refused('echo', 'absent', 'NotFound', /services "absent" not found/);
  await using bob = await connectCluster({ as: 'bob' });
  await assert.rejects(open(bob, 'echo'), (error) => {
    assert.ok(isKubeError(error, 'Forbidden'));
    assert.match(error.message, /User "bob" cannot get resource "services\/proxy"/);
    return true;
  });
});
