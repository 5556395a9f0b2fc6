import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { test } from 'node:test';

import { silentLogger } from '#base/log.ts';
import { manualClock } from '#tunnel/manual-clock.fixture.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { sessionPair, socketPair } from '#tunnel/session.fixture.ts';
import { splice } from '#tunnel/splice.ts';

import { createCopies, type Copies } from './copies.ts';
import { copyBytes } from './copy.ts';

/** A connection between a client and an app that passes through an agent, and a laptop that listens to it. */
async function agent(onFlow: (flow: IncomingFlow) => void) {
  await using stack = new AsyncDisposableStack();
  const clock = manualClock();
  const [front, back, laptop] = await Promise.all([
    socketPair(),
    socketPair(),
    sessionPair({ onFlow }),
  ]);
  for (const each of [front, back, laptop]) stack.use(each);
  const lost: string[] = [];
  const log = {
    ...silentLogger,
    warning: (_text: string, fields?: object) => void lost.push(JSON.stringify(fields)),
  };
  const copies = createCopies({
    log,
    clock,
    inbound: (uid) => (uid === 'gone' ? [] : [{ session: laptop.client }]),
  });
  const begin = (more: Partial<Parameters<Copies['copy']>[1]> = {}): void => {
    copies.copy(front.far, { interceptUids: ['tap'], mayBeProbe: false, ...more });
    splice(front.far, back.near);
  };
  const running = stack.move();
  return {
    clock,
    copies,
    lost,
    laptop,
    begin,
    client: front.near,
    app: back.far,
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

/** All that comes until the end, which is not the stream's own: it may still be written to. */
async function heard(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(stream, 'end', { signal: AbortSignal.timeout(8000) });
  return Buffer.concat(chunks).toString('latin1');
}

/** What the app gets of `bytes`, as fast as the client can write. */
async function original(it: { client: Socket; app: Socket }, bytes: Buffer): Promise<string> {
  it.client.end(bytes);
  const got = await heard(it.app);
  it.app.end();
  await heard(it.client);
  return got;
}

async function until(look: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(8000);
  while (!look()) {
    deadline.throwIfAborted();
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

test('what the client says reaches app and laptop, and nothing that the laptop says the client', async () => {
  const flows = Promise.withResolvers<IncomingFlow>();
  await using it = await agent(flows.resolve);
  it.begin({ first: Buffer.from('once upon ') });
  it.client.end('a time');
  const flow = await flows.promise;
  assert.equal(flow.authority, 'tap');
  const { stream } = flow.accept();
  stream.write('what a bore');
  assert.equal(await heard(stream), 'once upon a time');
  stream.end();
  assert.equal(await heard(it.app), 'a time', 'its first bytes went before');
  it.app.end('the end');
  assert.equal(await heard(it.client), 'the end');
  await until(() => it.copies.size === 0);
  assert.deepEqual(it.lost, []);
});

test('each of several laptops has its copy, and one that cannot be reached harms none', async () => {
  const told: Promise<string>[] = [];
  await using it = await agent((flow) => {
    told.push(heard(flow.accept().stream));
    flow.stream.end();
  });
  it.begin({ interceptUids: ['one', 'gone', 'two'] });
  assert.equal(await original(it, Buffer.from('hello')), 'hello');
  await until(() => told.length === 2);
  assert.deepEqual(await Promise.all(told), ['hello', 'hello']);
  assert.match(it.lost.join(), /gone.*no way to the laptop/);
});

test('a laptop that never reads loses its copy; the app gets every byte meanwhile', async () => {
  const flows = Promise.withResolvers<IncomingFlow>();
  await using it = await agent(flows.resolve);
  it.begin();
  const bytes = randomBytes(64 * copyBytes);
  const passed = original(it, bytes);
  const flow = await flows.promise;
  const { stream } = flow.accept();
  assert.equal(await passed, bytes.toString('latin1'));
  assert.match(it.lost.join(), /more slowly/);
  assert.equal(it.copies.size, 0);
  // Cut short is not the same as ended.
  await until(() => stream.closed);
  assert.notEqual(stream.rstCode, 0);
});

test('a laptop that does not answer, refuses, or goes midway: the app gets every byte', async () => {
  const bytes = randomBytes(2_000_000);
  for (const onFlow of [
    () => {},
    (flow: IncomingFlow) => flow.refuse('Refused'),
    (flow: IncomingFlow) => {
      flow.accept().stream.once('data', () => flow.stream.destroy(new Error('gone')));
    },
  ]) {
    await using it = await agent(onFlow);
    it.begin();
    assert.equal(await original(it, bytes), bytes.toString('latin1'));
    await it.clock.pass(20_000);
    await until(() => it.copies.size === 0);
  }
  await using it = await agent((flow) => {
    flow.accept().stream.once('data', () => it.laptop.far.destroy());
  });
  it.begin();
  assert.equal(await original(it, bytes), bytes.toString('latin1'), 'without its session');
  await until(() => it.copies.size === 0);
});

test('copies of all connections together have an end', async () => {
  await using it = await agent(() => {});
  const pairs = await Promise.all(Array.from({ length: 40 }, socketPair));
  for (const { far } of pairs) {
    it.copies.copy(far, { interceptUids: ['tap'], mayBeProbe: false });
    far.resume();
  }
  const chunk = Buffer.alloc(copyBytes - 1);
  for (const { near } of pairs) near.write(chunk);
  await until(() => pairs.every(({ far }) => far.bytesRead === chunk.length));
  // Those that fill it, and a few whose last chunk found no room.
  assert.ok(it.copies.size <= 24, `${String(it.copies.size)} copies wait`);
  assert.match(it.lost.join(), /more slowly/);
  it.copies.retain(new Set());
  assert.equal(it.copies.size, 0);
  await Promise.all(pairs.map(async (pair) => await pair[Symbol.asyncDispose]()));
});

test('the end of a wiretap ends its copies, and a reset connection’s copy is reset', async () => {
  const flows: IncomingFlow[] = [];
  await using it = await agent((flow) => {
    flow.accept().stream.resume();
    flows.push(flow);
  });
  it.begin({ interceptUids: ['stays', 'leaves'] });
  it.client.write('hello');
  await until(() => flows.length === 2);
  it.copies.retain(new Set(['stays']));
  const left = flows.find(({ authority }) => authority === 'leaves');
  await until(() => left?.stream.closed === true);
  assert.equal(it.copies.size, 1);
  it.client.resetAndDestroy();
  const stayed = flows.find(({ authority }) => authority === 'stays');
  await until(() => stayed?.stream.closed === true);
  assert.notEqual(stayed?.stream.rstCode, 0);
});

test('a probe is nobody’s to see; what the node asks otherwise is copied whole', async () => {
  const told: Promise<string>[] = [];
  const onFlow = (flow: IncomingFlow): void => {
    told.push(heard(flow.accept().stream));
    flow.stream.end();
  };
  const ask = async (agentName: string): Promise<void> => {
    await using it = await agent(onFlow);
    it.begin({ mayBeProbe: true });
    // Its sign comes late.
    it.client.write('GET /healthz HTTP/1.1\r\n');
    await once(it.app.resume(), 'data');
    assert.equal(told.length, 0, 'nothing waits for the sign but the copy');
    it.client.end(`User-Agent: ${agentName}\r\n\r\n`);
    it.app.end();
    await once(it.app, 'end');
    await until(() => it.copies.size === 0);
  };
  await ask('kube-probe/1.36');
  assert.equal(told.length, 0);
  await ask('curl/8');
  assert.equal(await told[0], 'GET /healthz HTTP/1.1\r\nUser-Agent: curl/8\r\n\r\n');
  await using silent = await agent(onFlow);
  silent.begin({ mayBeProbe: true });
  silent.client.end();
  await until(() => silent.copies.size === 0);
  assert.equal(told.length, 1, 'who says nothing opens nothing');
});
