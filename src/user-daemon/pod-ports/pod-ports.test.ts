import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { carryDatagrams } from '#tunnel/datagrams.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { sessionDeps, sessionPair } from '#tunnel/session.fixture.ts';
import { createPodPorts } from './pod-ports.ts';
import type { PodPort } from './pod-port.ts';

const tcp = (port: number): PodPort => ({ port, protocol: 'TCP' });

/** Below those that the kernel gives to whoever wants any: no other test has it a moment later. */
const fixedPorts = { from: 20_000, to: 32_000 };

/** A port that nobody has just now. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(fixedPorts.from, fixedPorts.to);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Pod ports whose flows an agent answers with what was asked of it. */
async function podPorts(holder?: string) {
  const stack = new AsyncDisposableStack();
  const onFlow = (flow: IncomingFlow): void => {
    const said = `${flow.authority} ${String(flow.headers[interceptHeader])}`;
    if (flow.headers[interceptHeader] === 'nobody listens') {
      flow.refuse('Refused');
      return;
    }
    const { stream } = flow.accept();
    if (flow.kind === 'tcp') {
      stream.resume();
      stream.end(said);
      return;
    }
    const datagrams = carryDatagrams(stream, {
      onDatagram: (payload) => datagrams.send(Buffer.from(`${payload.toString()} ${said}`)),
    });
  };
  const pair = stack.use(await sessionPair({ onFlow }));
  const ports = stack.use(
    createPodPorts({
      ...sessionDeps,
      findHolder: async () => holder,
      pickSession: () => pair.client,
    }),
  );
  return { ports, [Symbol.asyncDispose]: async () => await stack.disposeAsync() };
}

async function ask(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('a connection to the laptop’s port goes to the pod’s, until the intercept ends', async () => {
  await using own = await podPorts();
  const { ports } = own;
  const port = await freePort();
  const reserved = await ports.reserve('web', [tcp(port)]);
  await assert.rejects(ask(port), { code: 'ECONNRESET' }, 'there is no intercept yet');
  reserved.give('uid-1');
  assert.equal(await ask(port), `127.0.0.1:${String(port)} uid-1`);
  assert.equal(ports.ownerOf(tcp(port)), 'web');
  ports.retain(['uid-1', 'uid-2']);
  assert.equal(await ask(port), `127.0.0.1:${String(port)} uid-1`);
  ports.retain(['uid-2']);
  await assert.rejects(ask(port), { code: 'ECONNREFUSED' });
  assert.equal(ports.ownerOf(tcp(port)), undefined);
});

test('intercepting again takes its ports over, and ends those that are not named again', async () => {
  await using own = await podPorts();
  const { ports } = own;
  const [kept, gone, fresh] = [await freePort(), await freePort(), await freePort()];
  (await ports.reserve('web', [tcp(kept), tcp(gone)])).give('uid-1');
  const second = await ports.reserve('web', [tcp(kept), tcp(fresh)]);
  // The old intercept goes before its successor has its ports.
  ports.retain(['uid-2']);
  second.give('uid-2');
  assert.equal(await ask(kept), `127.0.0.1:${String(kept)} uid-2`);
  assert.equal(await ask(fresh), `127.0.0.1:${String(fresh)} uid-2`);
  await assert.rejects(ask(gone), { code: 'ECONNREFUSED' });

  const third = await ports.reserve('web', [tcp(kept), tcp(gone)]);
  await third.release();
  assert.equal(await ask(kept), `127.0.0.1:${String(kept)} uid-2`, 'it came to nothing');
  await assert.rejects(ask(gone), { code: 'ECONNREFUSED' });

  const fourth = await ports.reserve('web', [tcp(kept)]);
  ports.retain([]);
  assert.equal(await ask(kept), `127.0.0.1:${String(kept)} uid-2`);
  await fourth.release();
  await assert.rejects(ask(kept), { code: 'ECONNREFUSED' }, 'the old one has ended meanwhile');
});

test('a port that somebody has is refused by name, and nothing is kept', async () => {
  await using own = await podPorts('postgres (pid 812)');
  const { ports } = own;
  const free = await freePort();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  await assert.rejects(ports.reserve('web', [tcp(free), tcp(port)]), {
    code: 'PortInUse',
    facts: { port: String(port), holder: 'postgres (pid 812)' },
  });
  await assert.rejects(ask(free), { code: 'ECONNREFUSED' });
  server.close();
  (await ports.reserve('web', [tcp(free)])).give('uid-1');
  await assert.rejects(ports.reserve('other', [tcp(free)]), {
    code: 'PortTaken',
    facts: { port: String(free), owner: 'web' },
  });
});

test('a port of the pod at which nobody listens resets', async () => {
  await using own = await podPorts();
  const port = await freePort();
  (await own.ports.reserve('web', [tcp(port)])).give('nobody listens');
  await assert.rejects(ask(port), { code: 'ECONNRESET' });
});

test('datagrams go there and come back to who sent them', async () => {
  await using own = await podPorts();
  const port = await freePort();
  const udp = { port, protocol: 'UDP' } as const;
  (await own.ports.reserve('web', [udp, tcp(port)])).give('uid-1');
  for (const word of ['one', 'two']) {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.send(word, port, '127.0.0.1');
    const [answer]: unknown[] = await once(socket, 'message', {
      signal: AbortSignal.timeout(5000),
    });
    assert.equal(String(answer), `${word} 127.0.0.1:${String(port)} uid-1`);
    socket.close();
  }
});
