import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { createDelayRelay } from './delay-relay.ts';

const portOf = (server: Server): number => {
  const address: AddressInfo | string | null = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
};

async function listen(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** Reads until the end; says how many bytes came and how long it took. */
async function receive(socket: Socket): Promise<{ readonly bytes: number; readonly ms: number }> {
  const began = performance.now();
  let bytes = 0;
  for await (const chunk of socket) if (Buffer.isBuffer(chunk)) bytes += chunk.byteLength;
  return { bytes, ms: performance.now() - began };
}

test('a narrow link takes its time, loses nothing, and lets a small flow through beside a bulk', async () => {
  // Sends as many bytes as the first line asks for.
  const source = createServer((socket) => {
    socket.once('data', (asked) => socket.end(Buffer.alloc(Number(asked.toString()))));
  });
  await using target = await listen(source);
  await using relay = await listen(
    createDelayRelay({
      target: { host: '127.0.0.1', port: target.port },
      roundTripMs: 20,
      bufferBytes: 256 * 1024,
      megabitsPerSecond: 50,
    }),
  );
  const ask = async (bytes: number): ReturnType<typeof receive> => {
    const socket = connect(relay.port, '127.0.0.1');
    socket.write(String(bytes));
    return await receive(socket);
  };
  // 2.5 MB are 400 ms at 50 Mbit/s; twice of it shared by two.
  const bulks = [ask(1_250_000), ask(1_250_000)];
  const small = await ask(1_000);
  const [first, second] = await Promise.all(bulks);
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first.bytes, second.bytes, small.bytes], [1_250_000, 1_250_000, 1_000]);
  const slowest = Math.max(first.ms, second.ms);
  assert.ok(slowest >= 380, `2.5 MB in ${String(slowest)} ms`);
  assert.ok(small.ms < slowest / 2, `small flow: ${String(small.ms)} of ${String(slowest)} ms`);
});
