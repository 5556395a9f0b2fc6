import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { isKubeError } from './errors.ts';
import { requestUpgrade } from './upgrade.ts';
import { acceptOf } from './websocket-accept.ts';
import { createWebSocketDuplex, tunnelProtocol } from './websocket-duplex.ts';
import {
  createFrameReader,
  encodeFrame,
  encodeHead,
  opcode,
  type WebSocketEnd,
} from './websocket-frames.ts';

const signal = AbortSignal.timeout(240_000);

async function listen(server: http.Server | net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Our client end, and the server end of the library that others use. */
async function againstTheirServer(): Promise<
  { readonly ours: Duplex; readonly theirs: WebSocket } & AsyncDisposable
> {
  const server = http.createServer();
  const theirServer = new WebSocketServer({ server, handleProtocols: () => tunnelProtocol });
  const port = await listen(server);
  const connected = once(theirServer, 'connection', { signal });
  const socket = net.connect(port, '127.0.0.1');
  await requestUpgrade({
    socket,
    host: 'relay',
    path: '/',
    headers: {},
    protocol: tunnelProtocol,
    what: 'test',
    signal,
  });
  const ours = createWebSocketDuplex(socket, { end: 'client', what: 'test' });
  const [theirs] = await connected;
  assert.ok(theirs instanceof WebSocket);
  return {
    ours,
    theirs,
    async [Symbol.asyncDispose]() {
      ours.destroy();
      theirs.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Our server end, and the library's client. */
async function againstTheirClient(): Promise<
  { readonly ours: Duplex; readonly theirs: WebSocket } & AsyncDisposable
> {
  const server = http.createServer();
  const accepted = Promise.withResolvers<Duplex>();
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.unshift(head);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Accept: ${acceptOf(request.headers['sec-websocket-key'] ?? '')}\r\n` +
        `Sec-WebSocket-Protocol: ${tunnelProtocol}\r\n\r\n`,
    );
    accepted.resolve(createWebSocketDuplex(socket, { end: 'server', what: 'test' }));
  });
  const port = await listen(server);
  const theirs = new WebSocket(`ws://127.0.0.1:${String(port)}/`, tunnelProtocol);
  theirs.on('error', () => {});
  await once(theirs, 'open', { signal });
  const ours = await accepted.promise;
  return {
    ours,
    theirs,
    async [Symbol.asyncDispose]() {
      ours.destroy();
      theirs.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function bytesOf(data: WebSocket.RawData): Buffer {
  assert.ok(Buffer.isBuffer(data));
  return data;
}

for (const [name, open] of [
  ['the server of ws', againstTheirServer],
  ['a client of ws', againstTheirClient],
] as const) {
  test(`${name}: bytes arrive both ways, then the end`, async () => {
    await using pair = await open();
    const { ours, theirs } = pair;
    const got: Buffer[] = [];
    theirs.on('message', (data, isBinary) => {
      assert.ok(isBinary);
      assert.ok(bytesOf(data).length <= 32 * 1024);
      got.push(bytesOf(data));
    });
    const sent = randomBytes(1_000_001);
    ours.write(sent.subarray(0, 5));
    ours.write(sent.subarray(5, 6));
    ours.write(sent.subarray(6));
    // Every way there is to cut a message: ws sends the parts as continuation frames.
    const answer = randomBytes(200_000);
    for (let at = 0; at < answer.length; at += 50_000) {
      theirs.send(answer.subarray(at, at + 1), { fin: false });
      theirs.send(answer.subarray(at + 1, at + 9), { fin: false });
      theirs.ping('between');
      theirs.send(Buffer.alloc(0), { fin: false });
      theirs.send(answer.subarray(at + 9, at + 50_000), { fin: true });
    }
    const pong = once(theirs, 'pong', { signal });
    const closed = once(theirs, 'close', { signal });
    const [first] = await pong;
    assert.equal(String(first), 'between');
    const answered = buffer(ours);
    ours.end();
    // Our Close makes theirs follow at once, so what they sent is before it.
    assert.equal(hash(await answered), hash(answer));
    const [code] = await closed;
    assert.equal(code, 1000);
    assert.equal(hash(Buffer.concat(got)), hash(sent));
  });

  test(`${name}: their orderly end comes after all bytes`, async () => {
    await using pair = await open();
    const answer = randomBytes(1_000_000);
    pair.theirs.send(answer);
    pair.theirs.close(1000);
    const closed = once(pair.theirs, 'close', { signal });
    assert.equal(hash(await buffer(pair.ours)), hash(answer));
    const [code] = await closed;
    assert.equal(code, 1000);
  });

  test(`${name}: any other end is an error`, async () => {
    for (const [end, words] of [
      [(theirs: WebSocket) => theirs.terminate(), /test: the connection was cut/],
      [(theirs: WebSocket) => theirs.close(), /closed on the way \(no code\)/],
      [(theirs: WebSocket) => theirs.close(1012, 'moving'), /closed on the way \(1012 moving\)/],
      [(theirs: WebSocket) => theirs.send('text'), /what came is no tunnel/],
    ] as const) {
      await using pair = await open();
      pair.theirs.send(Buffer.from('a'));
      await once(pair.ours, 'readable', { signal });
      end(pair.theirs);
      await assert.rejects(buffer(pair.ours), (error) => {
        assert.ok(isKubeError(error, 'Unavailable'));
        assert.match(error.message, words);
        return true;
      });
    }
  });

  test(`${name}: what is destroyed here is no orderly end there`, async () => {
    await using pair = await open();
    pair.ours.destroy();
    const [code] = await once(pair.theirs, 'close', { signal });
    assert.equal(code, 1006);
  });

  test(`${name}: a reader that stops stops the writer, both ways`, async () => {
    await using pair = await open();
    const { ours, theirs } = pair;
    theirs.pause();
    const chunk = Buffer.alloc(64 * 1024);
    const before = 400;
    let sent = 0;
    while (sent < before && ours.write(chunk)) sent += 1;
    // The kernel takes some; not all of it.
    await new Promise((resolve) => setImmediate(resolve));
    while (sent < before && !ours.writableNeedDrain) {
      ours.write(chunk);
      sent += 1;
    }
    assert.ok(sent < before, `all of ${String(sent)} chunks were taken`);
    theirs.resume();
    await once(ours, 'drain', { signal });

    // Nobody reads ours: after some megabytes what they send stays with them.
    for (let index = 0; index < 300; index += 1) theirs.send(chunk);
    await once(ours, 'readable', { signal });
    const seen = await new Promise<number>((resolve) => {
      setImmediate(() => setImmediate(() => resolve(ours.readableLength)));
    });
    assert.ok(seen < 4_000_000, `${String(seen)} bytes are kept here`);
    assert.ok(theirs.bufferedAmount > 0);
    let read = 0;
    ours.on('data', (data: Buffer) => {
      read += data.length;
      if (read === 300 * chunk.length) ours.emit('all');
    });
    await once(ours, 'all', { signal });
  });
}

/** One end of ours on a bare connection, written to by hand. */
async function byHand(
  end: WebSocketEnd,
): Promise<{ readonly ours: Duplex; readonly hand: net.Socket } & AsyncDisposable> {
  const server = net.createServer({ allowHalfOpen: true });
  const port = await listen(server);
  const hand = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const [socket] = await once(server, 'connection', { signal });
  assert.ok(socket instanceof net.Socket);
  hand.on('error', () => {});
  const ours = createWebSocketDuplex(socket, { end, what: 'test' });
  return {
    ours,
    hand,
    async [Symbol.asyncDispose]() {
      ours.destroy();
      hand.destroy();
      server.close();
    },
  };
}

const other = { client: 'server', server: 'client' } as const;

/** A frame as that end sends it; `fin` is cleared for all but the last of a message. */
function frameOf(from: WebSocketEnd, code: number, payload: Buffer, fin = true): Buffer {
  const bytes =
    from === 'client'
      ? encodeFrame(code, payload, randomBytes(4))
      : Buffer.concat([encodeHead(code, payload.length), payload]);
  if (!fin) bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes;
}

const parts = fc.array(
  fc.uint8Array({ maxLength: 140 }).map((part) => Buffer.from(part)),
  { minLength: 1, maxLength: 5 },
);

test('messages cut into frames anywhere, with pings between, and bytes split anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<WebSocketEnd>('client', 'server'),
      fc.array(parts, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (end, messages, cuts) => {
        await using pair = await byHand(end);
        const from = other[end];
        const frames = messages.flatMap((message) =>
          message.flatMap((part, index) => [
            frameOf(
              from,
              index === 0 ? opcode.binary : opcode.continuation,
              part,
              index === message.length - 1,
            ),
            frameOf(from, opcode.ping, Buffer.from('x')),
          ]),
        );
        const close = frameOf(from, opcode.close, Buffer.from([0x03, 0xe8]));
        const wire = Buffer.concat([...frames, close]);
        const sorted = cuts.map((cut) => cut % wire.length).toSorted((a, b) => a - b);
        for (const [index, end] of [...sorted, wire.length].entries()) {
          const chunk = wire.subarray(sorted[index - 1] ?? 0, end);
          await new Promise((resolve) => pair.hand.write(chunk, resolve));
        }
        pair.hand.resume();
        const got = await buffer(pair.ours);
        assert.deepEqual(got, Buffer.concat(messages.flat()));
      },
    ),
    { numRuns: 30 },
  );
});

test('every boundary of one message, byte by byte', async () => {
  for (const end of ['client', 'server'] as const) {
    const whole = Buffer.from('the whole message');
    for (let at = 0; at <= whole.length; at += 1) {
      await using pair = await byHand(end);
      const from = other[end];
      const wire = Buffer.concat([
        frameOf(from, opcode.binary, whole.subarray(0, at), false),
        frameOf(from, opcode.continuation, whole.subarray(at)),
        frameOf(from, opcode.close, Buffer.from([0x03, 0xe8])),
      ]);
      for (const byte of wire) pair.hand.write(Buffer.from([byte]));
      pair.hand.resume();
      assert.deepEqual(await buffer(pair.ours), whole);
    }
  }
});

test('a flood of pings is answered once for what the other side reads', async () => {
  await using pair = await byHand('server');
  const { ours, hand } = pair;
  hand.pause();
  ours.resume();
  // More than the kernel takes, in one go.
  ours.write(Buffer.alloc(24 * 1024 * 1024));
  const pings = Buffer.concat(
    Array.from({ length: 10_000 }, () => frameOf('client', opcode.ping, Buffer.alloc(125))),
  );
  hand.write(pings);
  hand.write(frameOf('client', opcode.close, Buffer.from([0x03, 0xe8])));
  await once(ours, 'end', { signal });
  const read = createFrameReader('server');
  let pongs = 0;
  for await (const bytes of hand) {
    assert.ok(Buffer.isBuffer(bytes));
    for (const piece of read(bytes)) {
      if (piece.opcode === opcode.pong && piece.first) pongs += 1;
    }
  }
  assert.ok(pongs < 100, `${String(pongs)} pongs`);
});
