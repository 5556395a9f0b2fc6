import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { manualClock, settle } from './manual-clock.fixture.ts';
import { sessionPair, socketPair } from './session.fixture.ts';
import type { SessionPair } from './session.fixture.ts';
import { resetEnd, splice } from './splice.ts';

/** An end whose writes are done when the test says so. */
function heldEnd() {
  const written: string[] = [];
  const pending: (() => void)[] = [];
  const end = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      pending.push(done);
    },
  });
  return { end, written, release: () => pending.shift()?.() };
}

const closeOf = (end: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (end.closed) resolve();
    else end.once('close', () => resolve());
  });

test('a reset waits for the bytes before it', async () => {
  await using pair = await socketPair();
  const { end, written, release } = heldEnd();
  const joined = splice(pair.far, end, { clock: manualClock() });
  pair.near.write('answer');
  while (written.length === 0) await settle();
  pair.near.resetAndDestroy();
  await closeOf(pair.far);
  assert.equal(end.destroyed, false);
  release();
  const ended = await joined.ended;
  assert.ok(end.destroyed && ended.kind === 'reset' && ended.by === 'a');
  assert.equal(joined.bytesFromA, 6);
});

test('a reset waits no longer than a second', async () => {
  await using pair = await socketPair();
  const { end, written } = heldEnd();
  const clock = manualClock();
  const joined = splice(pair.far, end, { clock });
  pair.near.write('answer');
  while (written.length === 0) await settle();
  pair.near.resetAndDestroy();
  await closeOf(pair.far);
  await clock.pass(999);
  assert.equal(end.destroyed, false);
  await clock.pass(1);
  assert.equal((await joined.ended).kind, 'reset');
});

test('an end that was gone before resets the other', async () => {
  await using gone = await socketPair();
  await using pair = await socketPair();
  gone.far.destroy();
  await closeOf(gone.far);
  const joined = splice(gone.far, pair.far);
  const reset = new Promise<unknown>((resolve) => {
    pair.near.once('error', resolve);
  });
  pair.near.resume();
  const ended = await joined.ended;
  assert.ok(ended.kind === 'reset' && ended.by === 'a');
  assert.match(String(await reset), /ECONNRESET/);
});

test('an end that came before its flow was joined is an end, and the other way stays open', async () => {
  await using app = await socketPair();
  const heard = Promise.withResolvers<string>();
  await using pair = await sessionPair({
    onFlow(incoming) {
      const { stream } = incoming.accept();
      stream.once('data', (chunk: Buffer) => heard.resolve(chunk.toString()));
      stream.end();
    },
  });
  const signal = AbortSignal.timeout(10_000);
  const { stream } = await pair.client.openFlow({ authority: 'x:1', signal });
  // Nobody reads it: Node says so all the same, once.
  while (!stream.readableEnded) await settle();
  const joined = splice(app.far, stream);
  app.near.resume();
  await once(app.near, 'end', { signal });
  app.near.end('a late word');
  assert.equal(await heard.promise, 'a late word');
  assert.equal((await joined.ended).kind, 'finished');
});

test('resetting a splice resets both ends', async () => {
  await using left = await socketPair();
  await using right = await socketPair();
  const joined = splice(left.far, right.far);
  const resets = Promise.all(
    [left.near, right.near].map((socket) => {
      socket.resume();
      return new Promise((resolve) => {
        socket.once('error', resolve);
      });
    }),
  );
  joined.reset(new Error('switched off'));
  assert.equal((await joined.ended).kind, 'reset');
  assert.match(String(await resets), /ECONNRESET.*ECONNRESET/);
});

test('a FIN that is being sent does not keep a socket from being reset', async () => {
  for (let turn = 0; turn < 50; turn += 1) {
    await using pair = await socketPair();
    pair.near.resume();
    pair.far.on('error', (error) => assert.fail(error));
    pair.far.end('all');
    resetEnd(pair.far, new Error('after all'));
    await closeOf(pair.far);
    if (!pair.near.destroyed) pair.near.end();
  }
});

for (const [how, cut] of Object.entries({
  'its connection is reset': (pair: SessionPair) => pair.far.resetAndDestroy(),
  'its connection hangs up': (pair: SessionPair) => pair.far.destroy(),
  'it is dropped': (pair: SessionPair) => pair.server.destroy(new Error('dropped')),
})) {
  test(`a download whose session says GOAWAY, before ${how}, looks cut`, async () => {
    await using app = await socketPair();
    await using pair = await sessionPair({
      onFlow(incoming) {
        const { stream } = incoming.accept();
        stream.resume();
        stream.write('half an answer');
      },
    });
    const goodbye = pair.client.retired;
    const signal = AbortSignal.timeout(10_000);
    const flow = await pair.client.openFlow({ authority: 'x:1', signal });
    const joined = splice(app.far, flow.stream);
    const outcome = new Promise<string>((resolve) => {
      app.near.once('end', () => resolve('end'));
      app.near.once('error', () => resolve('reset'));
    });
    app.near.end('the whole question');
    await once(app.near, 'data');
    void pair.server.close();
    await goodbye;
    cut(pair);
    assert.equal(await outcome, 'reset');
    assert.equal((await joined.ended).kind, 'reset');
    assert.equal((await pair.client.closed).kind, 'lost');
    assert.equal((await pair.server.closed).kind, 'lost');
  });
}
