import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';

import fc from 'fast-check';

import { listen } from '#tunnel/session.fixture.ts';

import { grpcProbe } from '../testing/grpc-probe.ts';
import { emptySettings, http2Preface, withoutAcknowledgement } from './http2-request.ts';
import { signOf } from './sign.ts';

/** The kubelet 1.36, word for word. */
const httpProbe = Buffer.from(
  'GET /health HTTP/1.1\r\nHost: 10.244.0.36:8080\r\nUser-Agent: kube-probe/1.36\r\n' +
    'Accept: */*\r\nX-A: b\r\nConnection: close\r\n\r\n',
);

/** The first bytes that a client sends to a server that says nothing. */
async function firstBytes(open: (port: number) => void): Promise<Buffer> {
  const heard = Promise.withResolvers<Buffer>();
  await using server = await listen((socket) => {
    socket.once('data', (chunk: Buffer) => {
      heard.resolve(chunk);
      socket.destroy();
    });
    socket.resume();
  });
  open(server.port);
  return await heard.promise;
}

function requestOf(headers: Record<string, string>): Promise<Buffer> {
  return firstBytes((port) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    session.request(headers).on('error', () => {});
  });
}

function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  return firstBytes((port) => {
    tls.connect({ ...options, port, host: '127.0.0.1' }).on('error', () => {});
  });
}

/** Every beginning of it that is not the whole says `more`, or with `waits` that too. */
function staysOpenUntilWhole(bytes: Buffer, also = 'more'): void {
  for (let length = 0; length < bytes.length; length += 1) {
    const sign = signOf(bytes.subarray(0, length));
    assert.ok(sign === 'more' || sign === also, `${length} bytes: ${sign}`);
  }
}

test('the kubelet’s requests are known by their agent', () => {
  assert.equal(signOf(httpProbe), 'kubelet');
  const hook = 'GET /bye HTTP/1.1\r\nHost: a\r\nuser-agent:kube-lifecycle/1.36\r\n';
  assert.equal(signOf(Buffer.from(hook)), 'kubelet');
  staysOpenUntilWhole(httpProbe.subarray(0, httpProbe.indexOf('kube-probe/1.36\r\n') + 17));
  staysOpenUntilWhole(Buffer.from(hook));
});

test('everybody else is let go as soon as it is clear', async () => {
  const others = [
    'POST / HTTP/1.1\r\n',
    'PU',
    'GET key\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nUser-Agent: curl/8\r\n',
    'GET / HTTP/1.1\r\nUser-Agent: my kube-probe/1.36\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\nUser-Agent: kube-probe/1.36\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: ${'a'.repeat(20_000)}`,
    `GET /${'a'.repeat(20_000)}`,
    'hello',
    '\0',
  ];
  for (const other of others) assert.equal(signOf(Buffer.from(other)), 'other', other);
  const request = await firstBytes((port) => {
    http.get({ port, host: '127.0.0.1' }).on('error', () => {});
  });
  assert.equal(signOf(request), 'other');
});

test('a gRPC probe waits for settings and is known by its agent then', () => {
  const { opening, request } = grpcProbe;
  assert.equal(signOf(opening), 'waits');
  const whole = Buffer.concat([opening, request]);
  assert.equal(signOf(whole), 'kubelet');
  const headers = whole.length - grpcProbe.bytesAfterHeaders;
  staysOpenUntilWhole(whole.subarray(0, headers), 'waits');
  const without = withoutAcknowledgement(whole);
  assert.ok(without);
  assert.equal(signOf(without), 'kubelet');
  assert.deepEqual(without, Buffer.concat([opening, request.subarray(9)]));
  assert.equal(withoutAcknowledgement(opening), undefined);
});

test('an agent is found in the headers of any encoder, and only as their agent', async () => {
  const agent = 'kube-probe/1.40 grpc-go/2.0.0';
  assert.equal(signOf(await requestOf({ 'user-agent': agent })), 'kubelet');
  assert.equal(
    signOf(await requestOf({ ':path': '/a', te: 'trailers', 'user-agent': agent })),
    'kubelet',
  );
  assert.equal(signOf(await requestOf({ 'user-agent': 'grpc-go/1.78.0' })), 'other');
  assert.equal(signOf(await requestOf({ 'x-agent': agent })), 'other');
  assert.equal(signOf(await requestOf({ ':path': `/${agent}` })), 'other');
  // Not Huffman-coded, never indexed, padded, with a priority.
  const value = Buffer.from(agent);
  const block = Buffer.concat([Buffer.from([0x82, 0x1f, 58 - 15, value.length]), value]);
  const frame = Buffer.alloc(9 + 6 + block.length + 3);
  frame.writeUIntBE(frame.length - 9, 0, 3);
  frame.writeUInt8(1, 3);
  frame.writeUInt8(0x2c, 4);
  frame.writeUInt8(3, 9);
  block.copy(frame, 15);
  assert.equal(signOf(Buffer.concat([http2Preface, emptySettings, frame])), 'kubelet');
});

test('TLS without a server’s name is the kubelet’s, with one it is not', async () => {
  const unnamed = await helloOf({ ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(signOf(unnamed), 'kubelet');
  staysOpenUntilWhole(unnamed);
  assert.equal(signOf(await helloOf({ servername: 'app.demo.svc' })), 'other');
});

test('no bytes break it, and what is clear stays clear however much follows', () => {
  const start = fc.constantFrom(
    Buffer.alloc(0),
    httpProbe.subarray(0, 40),
    grpcProbe.opening,
    Buffer.concat([grpcProbe.opening, grpcProbe.request.subarray(0, 30)]),
    Buffer.concat([http2Preface, emptySettings, Buffer.from([0, 0, 20, 1, 4, 0, 0, 0, 1])]),
    Buffer.from([0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3]),
  );
  const noise = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(start, noise, fc.nat(), (bytes, more, cut) => {
      const whole = Buffer.concat([bytes, more]);
      const part = whole.subarray(0, cut % (whole.length + 1));
      const sign = signOf(part);
      if (sign === 'kubelet' || sign === 'other') assert.equal(signOf(whole), sign);
    }),
    { numRuns: 2000 },
  );
});

test('a server may be given the same client twice: settings of two servers, one acknowledged', async () => {
  // The agent's settings go first; the app's own follow, and its HTTP/2 must not mind.
  await using app = await (async () => {
    const server = http2.createServer((request, response) => {
      response.end(String(request.headers['user-agent']));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  })();
  const address = app.address();
  assert.ok(address !== null && typeof address === 'object');
  const whole = withoutAcknowledgement(Buffer.concat([grpcProbe.opening, grpcProbe.request]));
  assert.ok(whole);
  const socket = net.connect(address.port, '127.0.0.1');
  socket.write(whole);
  const [answer] = await once(socket, 'data');
  assert.ok(Buffer.isBuffer(answer));
  assert.equal(answer.readUInt8(3), 4, 'settings, not a GOAWAY');
  socket.destroy();
});
