import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { carryDatagrams } from '#tunnel/datagrams.ts';
import { manualClock } from '#tunnel/manual-clock.fixture.ts';
import { listen, sessionPair } from '#tunnel/session.fixture.ts';
import { takeReverseFlows } from './reverse-flows.ts';

const never = new AbortController().signal;

/** A laptop whose handler does as `onSocket` says; its time stands still unless it is advanced. */
async function laptop(onSocket: (socket: Socket) => void) {
  await using stack = new AsyncDisposableStack();
  const clock = manualClock();
  const handler = await listen(onSocket);
  const target = { host: '127.0.0.1', port: handler.port };
  const onFlow = takeReverseFlows({
    log: silentLogger,
    clock,
    findTarget: (uid) => (uid === 'known' ? target : undefined),
  });
  const { client } = stack.use(await sessionPair({ onFlow }));
  const running = stack.move();
  return {
    clock,
    handler,
    begin: (authority = 'known') => client.beginFlow({ authority, signal: never }),
    async [Symbol.asyncDispose]() {
      await running.disposeAsync();
      await handler[Symbol.asyncDispose]();
    },
  };
}

test('a handler’s first word is the answer, and what it was asked did not wait for that', async () => {
  await using it = await laptop((socket) => {
    socket.on('data', (chunk: Buffer) => socket.write(`heard ${String(chunk)}`));
    socket.resume();
  });
  const { flow, accepted } = it.begin();
  flow.stream.write('hello');
  const { stream } = await accepted;
  const [answer]: unknown[] = await once(stream, 'data');
  assert.equal(String(answer), 'heard hello');
  stream.destroy();
});

test('a handler that says nothing has the connection soon', async () => {
  const connected = Promise.withResolvers<Socket>();
  await using it = await laptop(connected.resolve);
  const { flow, accepted } = it.begin();
  flow.stream.write('hello');
  const socket = await connected.promise;
  await once(socket.resume(), 'data');
  await it.clock.pass(2);
  const { stream } = await accepted;
  stream.destroy();
});

test('a handler that hangs up without a word was there', async () => {
  await using it = await laptop((socket) => socket.end());
  const { stream } = await it.begin().accepted;
  await once(stream.resume(), 'end');
  stream.end();
});

test('a handler that resets on its first bytes was there: nobody else is to be asked', async () => {
  await using it = await laptop((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
    socket.resume();
  });
  const { flow, accepted } = it.begin();
  const closed = new Promise((resolve) => flow.stream.once('close', resolve));
  flow.stream.write('hello');
  const { stream } = await accepted;
  await closed;
  assert.notEqual(stream.rstCode, 0);
});

test('an intercept that is not known, and a handler that is not there, are refusals', async () => {
  await using gone = await laptop(() => {});
  await assert.rejects(gone.begin('unknown').accepted, { code: 'Unavailable' });
  await gone.handler[Symbol.asyncDispose]();
  await assert.rejects(gone.begin().accepted, { code: 'Refused' });
});

test('datagrams: a handler that is not there ends nothing, and answers once it is', async () => {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const onFlow = takeReverseFlows({
    log: silentLogger,
    clock: systemClock,
    findTarget: (uid) => (uid === 'abcdef' ? { host: '127.0.0.1', port } : undefined),
  });
  await using pair = await sessionPair({ onFlow });
  const begun = pair.client.beginFlow({ authority: 'abcdef', kind: 'udp', signal: never });
  const unreachable = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<string>();
  const datagrams = carryDatagrams(begun.flow.stream, {
    onDatagram: (payload) => answered.resolve(String(payload)),
    onUnreachable: unreachable.resolve,
  });
  datagrams.send(Buffer.from('one'));
  await unreachable.promise;
  const handler = createSocket('udp4', (message, from) => {
    handler.send(`heard ${String(message)}`, from.port, from.address);
  });
  handler.bind(port, '127.0.0.1');
  await once(handler, 'listening');
  datagrams.send(Buffer.from('two'));
  assert.equal(await answered.promise, 'heard two');
  datagrams.close();
  handler.close();
  const unknown = pair.client.openFlow({ authority: 'fedcba', kind: 'udp', signal: never });
  await assert.rejects(unknown, { code: 'Unavailable' });
});
