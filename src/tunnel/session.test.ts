import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { openClientSession } from './client-session.ts';
import { TunnelError, refusals } from './errors.ts';
import { serveSession } from './server-session.ts';
import { sessionDeps, sessionPair, socketPair } from './session.fixture.ts';

const signal = AbortSignal.timeout(60_000);

test('a flow carries bytes both ways, the first before it is accepted', async () => {
  await using pair = await sessionPair({
    onFlow(incoming) {
      assert.equal(incoming.authority, 'web.shop:80');
      assert.equal(incoming.headers['telepresence-intercept'], 'u1');
      const { stream } = incoming.accept();
      stream.pipe(stream);
    },
  });
  const begun = pair.client.beginFlow({
    authority: 'web.shop:80',
    headers: { 'telepresence-intercept': 'u1' },
    signal,
  });
  begun.flow.stream.end('hello');
  assert.equal(pair.client.openFlows, 1);
  await begun.accepted;
  assert.equal(await textOf(begun.flow.stream), 'hello');
  await closeOf(begun.flow.stream);
  assert.equal(pair.client.openFlows, 0);
  assert.equal(begun.flow.stream.rstCode, 0);
});

test('every refusal arrives as its code', async () => {
  let next = 0;
  await using pair = await sessionPair({
    onFlow: (incoming) => incoming.refuse(refusals[next] ?? 'Refused'),
  });
  for (const refusal of refusals) {
    await assert.rejects(
      pair.client.openFlow({ authority: 'x:1', signal }),
      (error) => error instanceof TunnelError && error.code === refusal,
    );
    next += 1;
  }
});

test('without somebody to take flows they are forbidden', async () => {
  await using pair = await sessionPair({});
  await assert.rejects(pair.client.openFlow({ authority: 'x:1', signal }), { code: 'Forbidden' });
});

test('giving a flow up before its answer aborts the dial at the other side', async () => {
  const aborted = Promise.withResolvers<void>();
  await using pair = await sessionPair({
    onFlow(incoming) {
      incoming.signal.addEventListener('abort', () => aborted.resolve());
      abort.abort(new Error('changed my mind'));
    },
  });
  const abort = new AbortController();
  const flow = pair.client.openFlow({ authority: 'x:1', signal: abort.signal });
  await assert.rejects(flow, { message: 'changed my mind' });
  await aborted.promise;
});

test('a session whose connection dies is lost, and so are its flows', async () => {
  await using pair = await sessionPair({ onFlow: (incoming) => incoming.accept() });
  const flow = await pair.client.openFlow({ authority: 'x:1', signal });
  const pending = assert.rejects(pair.client.openFlow({ authority: 'y:1', signal }), {
    code: 'Lost',
  });
  const closed = closeOf(flow.stream);
  pair.far.resetAndDestroy();
  const [client, server] = await Promise.all([pair.client.closed, pair.server.closed]);
  assert.equal(client.kind, 'lost');
  assert.equal(server.kind, 'lost');
  await closed;
  await pending;
  assert.equal(pair.client.isOpen, false);
  await assert.rejects(pair.client.ping(), { code: 'Lost' });
  await assert.rejects(pair.client.openFlow({ authority: 'z:1', signal }), { code: 'Lost' });
});

test('a half-open connection whose other end hangs up is lost', async () => {
  await using pair = await sessionPair({ onFlow: (incoming) => incoming.accept() });
  await pair.client.openFlow({ authority: 'x:1', signal });
  pair.near.destroySoon();
  assert.equal((await pair.server.closed).kind, 'lost');
});

test('a half-open connection that hangs up after both said goodbye is closed', async () => {
  await using pair = await sessionPair({});
  await pair.client.ping();
  const closed = Promise.all([pair.client.close(), pair.server.closed]);
  assert.deepEqual(await closed, [{ kind: 'closed' }, { kind: 'closed' }]);
});

test('a connection that is dead already carries no session', async () => {
  await using sockets = await socketPair();
  sockets.near.destroy();
  assert.throws(() => openClientSession(sockets.near, sessionDeps), { code: 'Lost' });
  assert.throws(() => serveSession(sockets.near, sessionDeps), { code: 'Lost' });
});

test('close lets flows end first', async () => {
  await using pair = await sessionPair({
    onFlow(incoming) {
      const { stream } = incoming.accept();
      stream.pipe(stream);
    },
  });
  const flow = await pair.client.openFlow({ authority: 'x:1', signal });
  const closed = pair.client.close();
  assert.equal(pair.client.isOpen, false);
  flow.stream.end('bye');
  assert.equal(await textOf(flow.stream), 'bye');
  assert.deepEqual(await closed, { kind: 'closed' });
  assert.deepEqual(await pair.server.closed, { kind: 'closed' });
});

test('ping tells the round trip, from either end', async () => {
  await using pair = await sessionPair({});
  assert.ok((await pair.client.ping()) >= 0);
  assert.ok((await pair.server.ping()) >= 0);
});

test('either end can ask for another session in place of this one; a PING asks for nothing', async () => {
  await using pair = await sessionPair({});
  let asked = 0;
  for (const end of [pair.client, pair.server]) void end.renewalAsked.then(() => (asked += 1));
  await pair.client.ping();
  await pair.server.ping();
  assert.equal(asked, 0);
  pair.client.askForRenewal();
  await pair.server.renewalAsked;
  pair.server.askForRenewal();
  await pair.client.renewalAsked;
  assert.ok(pair.client.isOpen && pair.server.isOpen);
});

test('sessions run over duplexes that are no sockets, with bytes already there', async () => {
  const [near, far] = duplexPair();
  await using client = openClientSession(near, sessionDeps);
  const begun = client.beginFlow({ authority: 'x:1', signal });
  begun.flow.stream.end('early');
  await once(far, 'readable');
  await using server = serveSession(far, {
    ...sessionDeps,
    onFlow(incoming) {
      const { stream } = incoming.accept();
      stream.pipe(stream);
    },
  });
  await begun.accepted;
  assert.equal(await textOf(begun.flow.stream), 'early');
  far.destroy();
  near.destroy();
  assert.equal((await client.closed).kind, 'lost');
  assert.equal((await server.closed).kind, 'lost');
});

test('bytes put back with unshift are the session’s first', async () => {
  await using pair = await sessionPair({});
  const [near, far] = duplexPair();
  await using client = openClientSession(near, sessionDeps);
  await once(far, 'readable');
  const head: unknown = far.read();
  far.unshift(head);
  await using server = serveSession(far, sessionDeps);
  assert.ok((await client.ping()) >= 0);
  assert.ok(server.isOpen && pair.client.isOpen);
});

function closeOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', resolve);
  });
}

/** Unlike node:stream/consumers it can read a stream that HTTP/2 is through with. */
async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(stream, 'end');
  return text;
}

function duplexPair(): readonly [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}
