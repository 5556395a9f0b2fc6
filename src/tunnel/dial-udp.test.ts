import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { capsuleTypes, encodeCapsule } from '#protocol/capsules.ts';
import { carryDatagrams, type Datagrams } from './datagrams.ts';
import { createDatagramDialer, openUdp } from './dial-udp.ts';
import type { IncomingFlow } from './server-session.ts';
import { sessionPair } from './session.fixture.ts';

const never = new AbortController().signal;
const within = (): AbortSignal => AbortSignal.timeout(5000);

/** Dials where the authority says, as one who has allowed it. */
function dialling(): (flow: IncomingFlow) => void {
  const dial = createDatagramDialer({ clock: systemClock, open: openUdp });
  return (flow) => {
    const [, host = '', port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(flow.authority) ?? [];
    if (flow.kind === 'udp') dial(flow, { host, port: Number(port) });
    else flow.refuse('Forbidden');
  };
}

async function echoServer(
  host: string,
): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4', (message, from) => {
    socket.send(message, from.port, from.address);
  });
  socket.bind(0, host).unref();
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

/** The next thing that a flow brings. */
function listener(): {
  readonly events: { onDatagram(payload: Buffer): void; onUnreachable(): void };
  readonly next: () => Promise<string>;
} {
  const heard: string[] = [];
  let wake = Promise.withResolvers<void>();
  const hear = (what: string): void => {
    heard.push(what);
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  return {
    events: {
      onDatagram: (payload) => hear(`${payload.length} ${payload.toString('latin1', 0, 10)}`),
      onUnreachable: () => hear('unreachable'),
    },
    async next() {
      for (;;) {
        const first = heard.shift();
        if (first !== undefined) return first;
        const late = AbortSignal.timeout(5000);
        const tooLate = once(late, 'abort').then(() => assert.fail('nothing came'));
        await Promise.race([wake.promise, tooLate]);
      }
    },
  };
}

for (const host of ['127.0.0.1', '::1']) {
  test(`datagrams go to ${host} and come back, each whole, the first with the CONNECT`, async () => {
    const server = await echoServer(host);
    await using pair = await sessionPair({ onFlow: dialling() });
    const authority = `${host.includes(':') ? `[${host}]` : host}:${server.port}`;
    const { flow } = pair.client.beginFlow({ authority, kind: 'udp', signal: never });
    const { events, next } = listener();
    const datagrams = carryDatagrams(flow.stream, events);
    for (const length of [5, 0, 1400, 40_000]) {
      datagrams.send(Buffer.alloc(length, 'x'));
      assert.equal(await next(), `${length} ${'x'.repeat(Math.min(length, 10))}`);
    }
    datagrams.close();
    await datagrams.closed;
    server.socket.close();
  });
}

test('nobody at the port is told, each time, and somebody later is reached', async () => {
  const server = await echoServer('127.0.0.1');
  const { port } = server;
  server.socket.close();
  await once(server.socket, 'close');
  await using pair = await sessionPair({ onFlow: dialling() });
  const request = { authority: `127.0.0.1:${port}`, kind: 'udp', signal: never } as const;
  const { events, next } = listener();
  const datagrams: Datagrams = carryDatagrams(pair.client.beginFlow(request).flow.stream, events);
  for (const again of ['one', 'two', 'three']) {
    datagrams.send(Buffer.from(again));
    assert.equal(await next(), 'unreachable');
  }
  const later = createSocket('udp4', (message, from) =>
    later.send(message, from.port, from.address),
  );
  later.bind(port, '127.0.0.1');
  await once(later, 'listening');
  datagrams.send(Buffer.from('here'));
  let said = await next();
  while (said === 'unreachable') said = await next();
  assert.equal(said, '4 here');
  datagrams.close();
  await datagrams.closed;
  later.close();
});

test('a flow that is given up, and a session that ends, close their sockets', async () => {
  const server = await echoServer('127.0.0.1');
  let closes = 0;
  const bothClosed = Promise.withResolvers<void>();
  const dial = createDatagramDialer({
    clock: systemClock,
    open(host) {
      const made = openUdp(host);
      made.socket.once('close', () => {
        closes += 1;
        if (closes === 2) bothClosed.resolve();
      });
      return made;
    },
  });
  const pair = await sessionPair({
    onFlow: (flow) => dial(flow, { host: '127.0.0.1', port: server.port }),
  });
  const request = { authority: `127.0.0.1:${server.port}`, kind: 'udp', signal: never } as const;
  const flows = [await pair.client.openFlow(request), await pair.client.openFlow(request)];
  flows[0]?.stream.destroy(new Error('given up'));
  await pair[Symbol.asyncDispose]();
  await Promise.race([
    bothClosed.promise,
    once(within(), 'abort').then(() => assert.fail(`${closes} closed`)),
  ]);
  server.socket.close();
});

test('more flows than there may be are turned away; rubbish resets a flow', async () => {
  const server = await echoServer('127.0.0.1');
  const made = new Set<Socket>();
  const dial = createDatagramDialer({
    clock: systemClock,
    open(host) {
      const one = openUdp(host);
      made.add(one.socket);
      return one;
    },
  });
  await using pair = await sessionPair({
    onFlow: (flow) => dial(flow, { host: '127.0.0.1', port: server.port }),
  });
  const request = { authority: `127.0.0.1:${server.port}`, kind: 'udp', signal: never } as const;
  const flows = await Promise.all(
    Array.from({ length: 1024 }, async () => await pair.client.openFlow(request)),
  );
  await assert.rejects(pair.client.openFlow(request), { code: 'Unavailable' });
  assert.equal(made.size, 1024);
  const [first] = flows;
  first?.stream.write(encodeCapsule(capsuleTypes.datagram, Buffer.alloc(80_000)));
  const reset = Promise.withResolvers<void>();
  first?.stream.once('close', () => reset.resolve());
  await reset.promise;
  assert.notEqual(first?.stream.rstCode, 0);
  server.socket.close();
});

test('what is no flow that we know is not one', async () => {
  await using pair = await sessionPair({ onFlow: dialling() });
  const asks = [
    { ':protocol': 'websocket', ':path': '/' },
    { ':protocol': 'connect-udp', ':path': '/.well-known/masque/udp/example.com/80/' },
    { ':protocol': 'connect-udp', ':path': '/.well-known/masque/echo/10.0.0.1/7/' },
    { ':protocol': 'connect-udp', ':path': '/.well-known/masque/udp/10.0.0.1%25eth0/80/' },
  ];
  for (const ask of asks) {
    const stream = pair.client.request({
      ':method': 'CONNECT',
      ':scheme': 'http',
      ':authority': 'x',
      ...ask,
    });
    const [headers]: { ':status'?: number }[] = await once(stream, 'response');
    assert.equal(headers?.[':status'], 501, ask[':path']);
    stream.destroy();
  }
});
