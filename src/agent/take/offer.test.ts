import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';

import { patienceHeader } from '#protocol/flow-headers.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { sessionDeps, socketPair } from '#tunnel/session.fixture.ts';

import { offer, type Offer } from './offer.ts';

/** An offer of a connection that says `hello` and ends, to a relay that does as `onStream` says. */
async function offered(
  onStream: (stream: http2.ServerHttp2Stream) => void,
): Promise<{ readonly answer: Offer; readonly left: string } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const tunnel = stack.use(await socketPair());
  const pod = stack.use(await socketPair());
  const relay = http2.performServerHandshake(tunnel.far.resume());
  relay.on('error', () => {});
  relay.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream);
  });
  const session = stack.use(openClientSession(tunnel.near, sessionDeps));
  pod.near.end('hello');
  const answer = await offer({ session, clock: sessionDeps.clock }, pod.far, {
    interceptUid: 'intercept-1',
    patienceMs: 100,
  });
  let left = '';
  pod.far.on('data', (chunk: Buffer) => {
    left += String(chunk);
  });
  pod.far.resume();
  await once(pod.far, 'end');
  return { answer, left, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('the first bytes do not wait for the answer, and are not left behind', async () => {
  let heard = '';
  await using it = await offered((stream) => {
    stream.once('data', (chunk: Buffer) => {
      heard += String(chunk);
      stream.respond({ ':status': 200 });
    });
  });
  assert.equal(it.answer.kind, 'taken');
  assert.equal(heard, 'hello');
  assert.equal(it.left, '');
});

test('whoever does not answer gets nothing, and the connection is whole', async () => {
  await using it = await offered(() => {});
  assert.equal(it.answer.kind, 'unanswered');
  assert.equal(it.left, 'hello');
});

test('the relay may ask for more patience', async () => {
  await using it = await offered((stream) => {
    stream.additionalHeaders({ ':status': 103, [patienceHeader]: '5000' });
    sessionDeps.clock.after(150, () => stream.respond({ ':status': 200 }));
  });
  assert.equal(it.answer.kind, 'taken');
});

test('a session that is gone is an answer that did not come', async () => {
  await using it = await offered((stream) => stream.session?.destroy());
  assert.equal(it.answer.kind, 'unanswered');
  assert.equal(it.left, 'hello');
});
