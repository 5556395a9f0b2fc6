import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';

import { patienceHeader } from '#protocol/flow-headers.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { sessionDeps, socketPair } from '#tunnel/session.fixture.ts';

import { offer, type Offer } from './offer.ts';

const safe = 'GET / HTTP/1.1\r\n\r\n';
const unsafe = 'POST / HTTP/1.1\r\n\r\n';

/** An offer of a connection that says `text` and ends, to a relay that does as `onStream` says. */
async function offered(
  onStream: (stream: http2.ServerHttp2Stream) => void,
  text = safe,
  doubts = new Set<string>(),
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
  pod.near.end(text);
  const { clock } = sessionDeps;
  const answer = await offer({ session, clock, doubts }, pod.far, {
    port: 8080,
    interceptUid: 'intercept-1',
    // Long enough for a busy machine to begin.
    patienceMs: 1000,
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
  }, unsafe);
  assert.equal(it.answer.kind, 'taken');
  assert.equal(heard, unsafe);
  assert.equal(it.left, '');
});

test('whoever does not answer gets nothing, and the connection is whole', async () => {
  await using it = await offered(() => {});
  assert.equal(it.answer.kind, 'unanswered');
  assert.equal(it.left, safe);
});

test('the relay may ask for more patience', async () => {
  await using it = await offered((stream) => {
    stream.additionalHeaders({ ':status': 103, [patienceHeader]: '5000' });
    sessionDeps.clock.after(1500, () => {
      if (!stream.destroyed) stream.respond({ ':status': 200 });
    });
  });
  assert.equal(it.answer.kind, 'taken');
});

test('a session that is gone is an answer that did not come', async () => {
  await using it = await offered((stream) => stream.session?.destroy());
  assert.equal(it.answer.kind, 'unanswered');
  assert.equal(it.left, safe);
});

test('what two servers must not both get is waited for, however late', async () => {
  const doubts = new Set<string>();
  await using it = await offered(
    (stream) => void sessionDeps.clock.after(1500, () => stream.respond({ ':status': 200 })),
    unsafe,
    doubts,
  );
  assert.equal(it.answer.kind, 'taken');
  assert.deepEqual(doubts, new Set());
});

test('whether it was handled is not known when the session is lost', async () => {
  await using it = await offered(
    (stream) => void stream.once('data', () => stream.session?.destroy()),
    unsafe,
  );
  assert.equal(it.answer.kind, 'uncertain');
});

test('a refusal says that nobody has got it', async () => {
  await using it = await offered(
    (stream) => void stream.once('data', () => stream.respond({ ':status': 503 })),
    unsafe,
  );
  assert.equal(it.answer.kind, 'unanswered');
  assert.equal(it.left, unsafe);
});

test('while a laptop is in doubt nothing is risked, and its next answer ends the doubt', async () => {
  const doubts = new Set<string>();
  {
    await using silent = await offered(() => {}, safe, doubts);
    assert.equal(silent.answer.kind, 'unanswered');
  }
  {
    let heard = '';
    await using silent = await offered(
      (stream) => void stream.on('data', (chunk: Buffer) => (heard += String(chunk))),
      unsafe,
      doubts,
    );
    assert.equal(silent.answer.kind, 'unanswered');
    assert.equal(heard, '');
    assert.equal(silent.left, unsafe);
  }
  assert.deepEqual(doubts, new Set(['intercept-1']));
  await using answered = await offered(
    (stream) => stream.respond({ ':status': 200 }),
    unsafe,
    doubts,
  );
  assert.equal(answered.answer.kind, 'taken');
  assert.equal(answered.left, unsafe, 'still to be sent');
  assert.deepEqual(doubts, new Set());
});
