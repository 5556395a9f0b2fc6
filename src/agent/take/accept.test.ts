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

import { emptySettings } from '../probe/http2-request.ts';
import { grpcProbe } from '../testing/grpc-probe.ts';
import { bring } from './accept.ts';
import { createCopies } from './copies.ts';
import { createJoined } from './joined.ts';
import { listenForTakes } from './listen.ts';

/** An agent with one listener, for `port` of an app, whose taker is `intercept-1`. */
async function agent(options: {
  readonly onFlow: (flow: IncomingFlow) => void;
  readonly taker?: string;
  readonly taps?: readonly string[];
  readonly connected?: boolean;
  readonly appPort?: number;
  /** The test's own connections come from the node. */
  readonly onNode?: boolean;
  /** The agent listens in the app's place. */
  readonly standsThere?: boolean;
}): Promise<{ readonly port: number } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const pair = stack.use(await sessionPair({ onFlow: options.onFlow }));
  const app = stack.use(
    await listen((socket) => {
      socket.on('data', (chunk: Buffer) => {
        socket.write(Buffer.concat([Buffer.from('app:'), chunk]));
      });
      socket.on('end', () => socket.end());
      socket.resume();
    }),
  );
  const joined = createJoined({ clock: systemClock });
  const deps = {
    log: silentLogger,
    clock: systemClock,
    takes: { takerOf: () => options.taker, tapsOf: () => options.taps ?? [] },
    copies: createCopies({
      log: silentLogger,
      clock: systemClock,
      inbound: () => [{ session: pair.client }],
    }),
    joined,
    doubts: new Set<string>(),
    inbound: () => (options.connected === false ? [] : [{ session: pair.client, rttMs: 1 }]),
    nodeAddresses: new Set(options.onNode === true ? ['127.0.0.1'] : []),
    standsAt: () => options.standsThere === true,
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
          { podIps: ['127.0.0.1'], port: options.appPort ?? app.port },
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
  socket.end('GET / HTTP/1.1\r\n\r\n');
  assert.equal(await all(socket), 'app:GET / HTTP/1.1\r\n\r\n');
  const ms = performance.now() - started;
  assert.ok(ms > 240 && ms < 600, `${ms} ms`);
  await given.promise;
});

test('what the app got while the laptop did not answer is not the app’s for ever', async () => {
  let asked = 0;
  await using it = await agent({
    taker: 'intercept-1',
    onFlow: (flow) => {
      asked += 1;
      if (asked > 1) flow.accept().stream.end('laptop');
    },
  });
  const kept = client(it.port);
  kept.write('GET / HTTP/1.1\r\n\r\n');
  const [answer] = await once(kept, 'data');
  assert.equal(String(answer), 'app:GET / HTTP/1.1\r\n\r\n');
  // While it is in doubt still.
  kept.write('more');
  assert.equal(String((await once(kept, 'data'))[0]), 'app:more');
  const next = client(it.port);
  next.end('GET / HTTP/1.1\r\n\r\n');
  assert.equal(await all(next), 'laptop');
  const [error] = await once(kept, 'error');
  assert.equal(error.code, 'ECONNRESET');
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

const httpProbe = 'GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.36\r\n\r\n';

function neverAsked(): void {
  assert.fail('asked the laptop');
}

/** A laptop that answers with what it was sent until its end. */
function answering(flow: IncomingFlow): void {
  const { stream } = flow.accept();
  let heard = '';
  stream.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  stream.on('end', () => stream.end(`laptop:${heard}`, 'latin1'));
}

test('a probe of the node goes to the app, in one piece or in many', async () => {
  await using it = await agent({ taker: 'intercept-1', onNode: true, onFlow: neverAsked });
  const whole = client(it.port);
  whole.end(httpProbe);
  assert.equal(await all(whole), `app:${httpProbe}`);
  const slow = client(it.port);
  slow.setNoDelay(true);
  for (const part of [httpProbe.slice(0, 20), httpProbe.slice(20, -5), httpProbe.slice(-5)]) {
    slow.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  slow.end();
  assert.equal((await all(slow)).replaceAll('app:', ''), httpProbe);
});

test('the same from elsewhere is the laptop’s', async () => {
  await using it = await agent({ taker: 'intercept-1', onFlow: answering });
  const socket = client(it.port);
  socket.end(httpProbe);
  assert.equal(await all(socket), `laptop:${httpProbe}`);
});

test('other traffic of the node is the laptop’s, with all its bytes', async () => {
  await using it = await agent({ taker: 'intercept-1', onNode: true, onFlow: answering });
  for (const text of ['hello', 'GET / HTTP/1.1\r\n\r\n', 'GET /half', 'x'.repeat(300_000)]) {
    const socket = client(it.port);
    socket.end(text);
    assert.equal(await all(socket), `laptop:${text}`);
  }
});

test('whoever waits for the server to speak first gets the laptop after 100 ms', async () => {
  await using it = await agent({
    taker: 'intercept-1',
    onNode: true,
    onFlow: (flow) => void flow.accept().stream.end('hello from the laptop'),
  });
  const started = performance.now();
  const socket = client(it.port);
  const [answer] = await once(socket, 'data');
  assert.equal(String(answer), 'hello from the laptop');
  const ms = performance.now() - started;
  assert.ok(ms > 90 && ms < 250, `${ms} ms`);
  socket.end();
});

test('a probe that only connects disturbs nobody', async () => {
  await using it = await agent({ taker: 'intercept-1', onNode: true, onFlow: neverAsked });
  const socket = client(it.port);
  socket.end();
  assert.equal(await all(socket), '');
  const hasty = client(it.port);
  await once(hasty, 'connect');
  hasty.resetAndDestroy();
});

test('an app that is not there fails its probe', async () => {
  const onFlow = neverAsked;
  await using it = await agent({ taker: 'intercept-1', onNode: true, appPort: 1, onFlow });
  const socket = client(it.port);
  socket.write(httpProbe);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
});

/** Sends `opening`, waits for the agent's settings, sends `rest` and the end. */
async function speakGrpc(port: number, opening: Buffer, rest: Buffer): Promise<Buffer> {
  const socket = client(port);
  socket.write(opening);
  const [settings] = await once(socket, 'data');
  assert.deepEqual(settings, emptySettings);
  socket.end(rest);
  let heard = '';
  for await (const chunk of socket.setEncoding('latin1')) heard += String(chunk);
  return Buffer.from(heard, 'latin1');
}

test('a gRPC probe of the node goes to the app, which sees no acknowledgement', async () => {
  await using it = await agent({ taker: 'intercept-1', onNode: true, onFlow: neverAsked });
  const { opening, request } = grpcProbe;
  const expected = Buffer.concat([Buffer.from('app:'), opening, request.subarray(9)]);
  const heard = await speakGrpc(it.port, opening, request);
  assert.equal(heard.toString('latin1'), expected.toString('latin1'));
});

test('another gRPC client of the node is the laptop’s, idle or not', async () => {
  await using it = await agent({ taker: 'intercept-1', onNode: true, onFlow: answering });
  const { opening, request } = grpcProbe;
  const acknowledgement = request.subarray(0, 9);
  const idle = Buffer.concat([Buffer.from('laptop:'), opening]);
  assert.deepEqual(await speakGrpc(it.port, opening, acknowledgement), idle);
  const other = Buffer.concat([request.subarray(9, 18), Buffer.alloc(0x7d, 0x82)]);
  const expected = Buffer.concat([idle, other]);
  const rest = Buffer.concat([other, acknowledgement]);
  assert.deepEqual(await speakGrpc(it.port, opening, rest), expected, 'acknowledged late');
});

test('a wiretapped connection is whose it was, app’s or laptop’s, and copied from its first byte', async () => {
  for (const taker of [undefined, 'intercept-1']) {
    const copied = Promise.withResolvers<string>();
    await using it = await agent({
      ...(taker === undefined ? {} : { taker }),
      taps: ['wiretap-1'],
      onFlow: (flow) => {
        const { stream } = flow.accept();
        let heard = '';
        stream.on('data', (chunk: Buffer) => {
          heard += String(chunk);
          if (flow.authority === 'intercept-1') stream.write(`laptop:${String(chunk)}`);
        });
        stream.once('end', () => {
          stream.end();
          if (flow.authority === 'wiretap-1') copied.resolve(heard);
        });
        if (flow.authority === 'wiretap-1') stream.write('what a bore');
      },
    });
    const socket = client(it.port);
    socket.write('first');
    const [answer]: unknown[] = await once(socket, 'data');
    assert.equal(String(answer), taker === undefined ? 'app:first' : 'laptop:first');
    socket.end(' last');
    assert.match(await all(socket), /^(app|laptop): last/);
    assert.equal(await copied.promise, 'first last');
  }
});

test('probes of a wiretapped port are not copied, and wait for no look', async () => {
  const flows: string[] = [];
  await using it = await agent({
    taps: ['wiretap-1'],
    onNode: true,
    onFlow: (flow) => {
      flows.push(flow.authority);
      flow.accept().stream.resume();
    },
  });
  const probe = client(it.port);
  probe.end('GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.36\r\n\r\n');
  assert.match(await all(probe), /^app:GET/);
  assert.deepEqual(flows, []);
  const other = client(it.port);
  other.end('GET / HTTP/1.1\r\nUser-Agent: curl\r\n\r\n');
  assert.match(await all(other), /^app:GET/);
  assert.deepEqual(flows, ['wiretap-1']);
});
