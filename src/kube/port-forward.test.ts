import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isKubeError } from './errors.ts';
import { openPortForward } from './port-forward.ts';
import { startTestApiServer } from './test-api-server.ts';
import { acceptPortForward, type TestKubelet } from './test-kubelet.ts';

const signal = AbortSignal.timeout(30_000);

async function connect(): Promise<
  { readonly duplex: Duplex; readonly kubelet: TestKubelet } & AsyncDisposable
> {
  const server = await startTestApiServer(() => {});
  const accepted = Promise.withResolvers<TestKubelet>();
  server.http.on('upgrade', (request, socket: Duplex) => {
    accepted.resolve(acceptPortForward(request, socket));
  });
  const duplex = await openPortForward(
    { access: server.access, clock: systemClock },
    { namespace: 'ambassador', pod: 'manager-1', port: 8443, deadlineMs: 2000, signal },
  );
  const kubelet = await accepted.promise;
  return {
    duplex,
    kubelet,
    async [Symbol.asyncDispose]() {
      duplex.destroy();
      kubelet.socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('asks for one port by v4.channel.k8s.io', async () => {
  await using pair = await connect();
  const { request } = pair.kubelet;
  assert.equal(request.url, '/api/v1/namespaces/ambassador/pods/manager-1/portforward?ports=8443');
  assert.equal(request.headers['sec-websocket-protocol'], 'v4.channel.k8s.io');
});

test('our end comes after all our bytes', async () => {
  await using pair = await connect();
  const sent = randomBytes(3_000_000);
  pair.duplex.write(sent.subarray(0, 10));
  pair.duplex.write(sent.subarray(10, 20));
  pair.duplex.end(sent.subarray(20));
  const got: Buffer[] = [];
  for await (const message of pair.kubelet.messages()) {
    assert.equal(message[0], 0);
    assert.ok(message.length <= 64 * 1024);
    got.push(message.subarray(1));
  }
  assert.equal(hash(Buffer.concat(got)), hash(sent));
  pair.kubelet.close();
  pair.duplex.resume();
  await once(pair.duplex, 'close', { signal });
  assert.equal(pair.duplex.errored, null);
});

test('the pod’s end comes after all its bytes, and ends us too', async () => {
  await using pair = await connect();
  const sent = randomBytes(3_000_000);
  const reading = buffer(pair.duplex);
  for (let at = 0; at < sent.length; at += 32_768) {
    pair.kubelet.send(0, sent.subarray(at, at + 32_768));
  }
  pair.kubelet.close();
  assert.equal(hash(await reading), hash(sent));
  if (!pair.duplex.closed) await once(pair.duplex, 'close', { signal });
  assert.equal(pair.duplex.errored, null);
});

test('the kubelet’s words on the error channel are the error', async () => {
  await using pair = await connect();
  const failed = once(pair.duplex, 'error', { signal });
  pair.kubelet.send(1, Buffer.from('error forwarding port 8443: connection refused'));
  pair.kubelet.close();
  const [error]: unknown[] = await failed;
  assert.ok(isKubeError(error, 'Unavailable'));
  assert.match(
    error.message,
    /port-forward to ambassador\/manager-1:8443: error forwarding port 8443: connection refused/,
  );
});

test('a connection that is cut is an error, not an end', async () => {
  await using pair = await connect();
  const failed = once(pair.duplex, 'error', { signal });
  pair.duplex.resume();
  pair.kubelet.socket.destroy();
  const [error]: unknown[] = await failed;
  assert.ok(isKubeError(error, 'Unavailable'));
});

test('a reader that stops stops the kubelet; one that reads on gets all', async () => {
  await using pair = await connect();
  const block = Buffer.alloc(32_768, 1);
  const total = 1000;
  let sent = 0;
  const pump = async (): Promise<void> => {
    while (sent < total) {
      const room = pair.kubelet.send(0, block);
      sent += 1;
      if (!room) await once(pair.kubelet.socket, 'drain', { signal });
    }
    pair.kubelet.close();
  };
  const pumping = pump();
  pair.duplex.on('readable', () => {});
  await settledAt(() => sent);
  assert.ok(sent < total, `${String(sent)} of ${String(total)} blocks went to nobody`);
  assert.ok(pair.duplex.readableLength < 1_000_000);
  pair.duplex.removeAllListeners('readable');
  const got = await buffer(pair.duplex);
  assert.equal(got.length, total * block.length);
  await pumping;
});

test('a kubelet that stops reading stops the writer', async () => {
  await using pair = await connect();
  const block = Buffer.alloc(65_536, 1);
  const total = 500;
  let sent = 0;
  const pump = async (): Promise<void> => {
    for (; sent < total; sent += 1) {
      if (!pair.duplex.write(block)) await once(pair.duplex, 'drain', { signal });
    }
    pair.duplex.end();
  };
  const pumping = pump();
  await settledAt(() => sent);
  assert.ok(sent < total, `${String(sent)} of ${String(total)} blocks went to nobody`);
  let got = 0;
  for await (const message of pair.kubelet.messages()) got += message.length - 1;
  assert.equal(got, total * block.length);
  await pumping;
});

/** Waits until a number has stopped growing: three looks, some turns of the loop apart. */
async function settledAt(look: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 3;) {
    await systemClock.sleep(40, signal);
    same = look() === last ? same + 1 : 0;
    last = look();
  }
}
