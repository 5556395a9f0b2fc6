import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { sourceHeader } from '#protocol/flow-headers.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { listen, sessionPair } from '#tunnel/session.fixture.ts';
import { splice } from '#tunnel/splice.ts';

import { bring } from './accept.ts';
import { createJoined } from './joined.ts';
import { listenForTakes } from './listen.ts';

/** An agent with one listener, for `port` of an app, whose taker is `intercept-1`. */
async function agent(options: {
  readonly onFlow: (flow: IncomingFlow) => void;
  readonly taker?: string;
  readonly connected?: boolean;
  readonly appPort?: number;
}): Promise<{ readonly port: number } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const pair = stack.use(await sessionPair({ onFlow: options.onFlow }));
  const app = stack.use(
    await listen((socket) => {
      socket.on('data', (chunk: Buffer) => socket.write(`app:${String(chunk)}`));
      socket.on('end', () => socket.end());
      socket.resume();
    }),
  );
  const joined = createJoined({ clock: systemClock });
  const deps = {
    log: silentLogger,
    clock: systemClock,
    takes: { takerOf: () => options.taker },
    joined,
    inbound: () => (options.connected === false ? undefined : { session: pair.client, rttMs: 1 }),
  };
  const stopped = new AbortController();
  const listener = stack.use(
    await listenForTakes({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) =>
        void bring(
          deps,
          socket,
          { podIp: '127.0.0.1', port: options.appPort ?? app.port },
          stopped.signal,
        ),
    }),
  );
  return { port: listener.port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function client(port: number): net.Socket {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  return socket;
}

async function all(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('a taken connection goes to the laptop, with its source and its first bytes', async () => {
  const flows = Promise.withResolvers<IncomingFlow>();
  await using it = await agent({ taker: 'intercept-1', onFlow: flows.resolve });
  const socket = client(it.port);
  socket.end('hello');
  const flow = await flows.promise;
  assert.equal(flow.authority, 'intercept-1');
  assert.equal(flow.headers[sourceHeader], `127.0.0.1:${socket.localPort}`);
  const { stream } = flow.accept();
  let heard = '';
  stream.on('data', (chunk: Buffer) => {
    heard += String(chunk);
  });
  await once(stream, 'end');
  assert.equal(heard, 'hello');
  stream.end('bye');
  assert.equal(await all(socket), 'bye');
});

test('a laptop that is not there gives the connection to the app, nothing lost', async () => {
  await using it = await agent({
    taker: 'intercept-1',
    onFlow: (flow) => flow.refuse('Unavailable'),
  });
  const socket = client(it.port);
  socket.end('hello');
  assert.equal(await all(socket), 'app:hello');
});

test('a laptop that does not answer loses the connection to the app in 250 ms', async () => {
  const given = Promise.withResolvers<void>();
  await using it = await agent({
    taker: 'intercept-1',
    onFlow: (flow) => flow.signal.addEventListener('abort', () => given.resolve()),
  });
  const started = performance.now();
  const socket = client(it.port);
  socket.end('hello');
  assert.equal(await all(socket), 'app:hello');
  const ms = performance.now() - started;
  assert.ok(ms > 240 && ms < 600, `${ms} ms`);
  await given.promise;
});

test('a client that goes away while the laptop thinks takes its flow with it', async () => {
  const given = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using it = await agent({
    taker: 'intercept-1',
    onFlow: (flow) => {
      flow.signal.addEventListener('abort', () => given.resolve());
      asked.resolve();
    },
  });
  const socket = client(it.port);
  socket.write('hello');
  await asked.promise;
  const started = performance.now();
  socket.resetAndDestroy();
  await given.promise;
  assert.ok(performance.now() - started < 150);
});

test('a handler that refuses is a reset, not the app', async () => {
  await using it = await agent({ taker: 'intercept-1', onFlow: (flow) => flow.refuse('Refused') });
  const socket = client(it.port);
  socket.write('hello');
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
});

test('without a session to the manager, or a taker, the app answers', async () => {
  const onFlow = (): void => assert.fail('asked the laptop');
  for (const options of [{ taker: 'intercept-1', connected: false }, {}]) {
    await using it = await agent({ ...options, onFlow });
    const socket = client(it.port);
    socket.end('hello');
    assert.equal(await all(socket), 'app:hello');
  }
});

test('an app that is not there is a reset', async () => {
  await using it = await agent({ onFlow: () => {}, appPort: 1 });
  const socket = client(it.port);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
});

test('half-close and resets pass through to the handler and back', async () => {
  await using handler = await listen((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
    socket.resume();
  });
  await using it = await agent({
    taker: 'intercept-1',
    onFlow: (flow) => {
      const socket = net.connect({ port: handler.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.once('connect', () => splice(flow.accept().stream, socket));
    },
  });
  const socket = client(it.port);
  socket.write('reset me');
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
});
