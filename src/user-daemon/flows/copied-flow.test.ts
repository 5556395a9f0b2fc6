import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { listen, sessionPair } from '#tunnel/session.fixture.ts';
import { takeReverseFlows } from './reverse-flows.ts';

const { signal } = new AbortController();

/** A laptop whose handler, where there is one, does as `onSocket` says with each connection. */
async function laptop(onSocket?: (socket: Socket) => void) {
  await using stack = new AsyncDisposableStack();
  const handler = await listen((socket) => onSocket?.(socket));
  if (onSocket === undefined) await handler[Symbol.asyncDispose]();
  else stack.use(handler);
  const onFlow = takeReverseFlows({
    log: silentLogger,
    clock: systemClock,
    findTarget: () => ({ host: '127.0.0.1', port: handler.port, isCopy: true }),
  });
  const { client } = stack.use(await sessionPair({ onFlow }));
  const { stream } = await client.openFlow({ authority: 'tap', signal });
  const running = stack.move();
  return { stream, [Symbol.asyncDispose]: async () => await running.disposeAsync() };
}

async function heard(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

test('the handler gets every byte, and its answers go nowhere', async () => {
  const bytes = randomBytes(3_000_000);
  const told = Promise.withResolvers<string>();
  await using it = await laptop((socket) => {
    socket.write('an answer');
    heard(socket).then(told.resolve, told.reject);
  });
  let answered = 0;
  it.stream.on('data', (chunk: Buffer) => {
    answered += chunk.length;
  });
  it.stream.end(bytes);
  assert.equal(await told.promise, bytes.toString('latin1'));
  assert.equal(answered, 0);
});

test('a copy that is over before its handler has answered is whole all the same', async () => {
  for (let round = 0; round < 20; round += 1) {
    const told = Promise.withResolvers<string>();
    await using it = await laptop((socket) => {
      heard(socket).then(told.resolve, told.reject);
    });
    it.stream.resume().end('one word');
    assert.equal(await told.promise, 'one word');
  }
});

test('a handler that only listens, with its own side closed, gets all the same', async () => {
  const told = Promise.withResolvers<string>();
  await using it = await laptop((socket) => {
    socket.end();
    heard(socket).then(told.resolve, told.reject);
  });
  it.stream.resume();
  it.stream.write('one ');
  await systemClock.sleep(50, signal);
  it.stream.end('two');
  assert.equal(await told.promise, 'one two');
});

test('after a handler has hung up the next request goes to a new connection, and nothing else does', async () => {
  const got: string[][] = [];
  const heardMore = new EventTarget();
  await using it = await laptop((socket) => {
    const own: string[] = [];
    got.push(own);
    socket.on('data', (chunk: Buffer) => {
      own.push(String(chunk));
      // As a server does that is not kept alive.
      if (own.length === 1) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      heardMore.dispatchEvent(new Event('data'));
    });
    socket.once('close', () => heardMore.dispatchEvent(new Event('closed')));
    socket.resume();
  });
  it.stream.resume();
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const deadline = { signal: AbortSignal.timeout(5000) };
  let next = once(heardMore, 'data', deadline);
  it.stream.write(request);
  await next;
  await systemClock.sleep(50, signal);
  next = once(heardMore, 'data', deadline);
  it.stream.write('the rest of something');
  await next;
  next = once(heardMore, 'data', deadline);
  const closed = once(heardMore, 'closed', deadline);
  it.stream.write(request);
  await next;
  await closed;
  assert.deepEqual(got, [[request, 'the rest of something'], [request]]);
});

test('without a handler the copy is taken and thrown away: it may come yet', async () => {
  await using it = await laptop();
  it.stream.resume();
  it.stream.write(randomBytes(2_000_000));
  it.stream.end('GET / HTTP/1.1\r\n\r\n');
  await once(it.stream, 'close');
  assert.equal(it.stream.rstCode, 0);
});

test('a copy that is cut short is a reset for the handler', async () => {
  const failed = Promise.withResolvers<unknown>();
  await using it = await laptop((socket) => {
    socket.on('error', failed.resolve);
    socket.resume();
    socket.once('data', () => it.stream.destroy(new Error('too slow')));
  });
  it.stream.on('error', () => {});
  it.stream.write('hello');
  assert.equal(systemCode(await failed.promise), 'ECONNRESET');
});

test('a handler that never reads makes the sender wait, which is how it learns of it', async () => {
  await using it = await laptop((socket) => void socket.pause());
  it.stream.resume();
  const chunk = Buffer.alloc(1_000_000);
  let written = 0;
  const write = (): void => {
    it.stream.write(chunk, () => {
      written += 1;
      if (written < 64) write();
    });
  };
  write();
  let before = -1;
  while (before !== written) {
    before = written;
    await systemClock.sleep(300, signal);
  }
  assert.ok(written > 0 && written < 64, `${String(written)} MB were taken`);
});
