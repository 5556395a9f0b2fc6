import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { toBinary, create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { DeadlineError } from '#base/wait.ts';
import { AgentHelloSchema, VerdictSchema } from '#protocol/gen/telepresence_pb.ts';
import { TunnelError } from './errors.ts';
import { frame, maxFrameBytes, withHandshake } from './handshake.ts';
import type { Frames } from './handshake.ts';
import { socketPair } from './session.fixture.ts';

const options = {
  ms: 10_000,
  what: 'handshake',
  signal: AbortSignal.timeout(60_000),
};
const deps = { clock: systemClock };

function handshake<T>(socket: Socket, work: (frames: Frames) => Promise<T>): Promise<T> {
  return withHandshake(deps, socket, options, work);
}

const hello = { role: 'control', token: 'a token' };

test('messages arrive however the bytes are cut, and what follows stays in the connection', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 3000 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
      async (token, surplus, cuts) => {
        await using pair = await socketPair();
        const reading = handshake(pair.far, async (frames) => [
          await frames.read(AgentHelloSchema),
          await frames.read(VerdictSchema),
        ]);
        const body = toBinary(AgentHelloSchema, create(AgentHelloSchema, { ...hello, token }));
        const verdict = toBinary(VerdictSchema, create(VerdictSchema, { code: 'ok' }));
        const bytes = Buffer.concat([frame(body), frame(verdict), surplus]);
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const piece = bytes.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
          at += piece.length;
          await new Promise((resolve) => pair.near.write(piece, resolve));
        }
        const [first, second] = await reading;
        assert.ok(first?.$typeName === 'telepresence.v1.AgentHello' && first.token === token);
        assert.ok(second?.$typeName === 'telepresence.v1.Verdict' && second.code === 'ok');
        const rest = collect(pair.far);
        pair.near.end();
        assert.deepEqual(new Uint8Array(await rest), surplus);
      },
    ),
    { numRuns: 40 },
  );
});

test('noise is Malformed, Lost, or another message, and never more than that', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
      await using pair = await socketPair();
      pair.near.end(noise);
      try {
        await handshake(pair.far, (frames) => frames.read(AgentHelloSchema));
      } catch (error) {
        assert.ok(error instanceof TunnelError, String(error));
        assert.ok(['Malformed', 'Lost'].includes(error.code));
      }
    }),
    { numRuns: 100 },
  );
});

test('a frame cut off by a hang-up is Lost', async () => {
  await using pair = await socketPair();
  const bytes = frame(toBinary(AgentHelloSchema, create(AgentHelloSchema, hello)));
  pair.near.end(bytes.subarray(0, bytes.length - 1));
  await assert.rejects(
    handshake(pair.far, (frames) => frames.read(AgentHelloSchema)),
    { code: 'Lost' },
  );
});

test('a reset during the handshake is Lost', async () => {
  await using pair = await socketPair();
  const reading = handshake(pair.far, (frames) => frames.read(AgentHelloSchema));
  pair.near.resetAndDestroy();
  await assert.rejects(reading, { code: 'Lost' });
});

test('a frame longer than allowed is Malformed before it has come', async () => {
  await using pair = await socketPair();
  const length = Buffer.alloc(2);
  length.writeUInt16BE(maxFrameBytes + 1);
  pair.near.write(length);
  await assert.rejects(
    handshake(pair.far, (frames) => frames.read(AgentHelloSchema)),
    { code: 'Malformed' },
  );
  assert.throws(() => frame(new Uint8Array(maxFrameBytes + 1)), { code: 'Malformed' });
});

test('a peer that says too little is given up at the deadline, and hung up on', async () => {
  await using pair = await socketPair();
  let late = (): void => {};
  const clock = {
    after: (_ms: number, run: () => void) => {
      late = run;
      return { [Symbol.dispose]: () => {} };
    },
  };
  const reading = withHandshake({ clock }, pair.far, options, (frames) =>
    frames.read(AgentHelloSchema),
  );
  pair.near.write(Buffer.from([0]));
  late();
  await assert.rejects(reading, DeadlineError);
  pair.near.resume();
  await once(pair.near, 'end');
  late();
  assert.ok(pair.far.destroyed);
});

test('an abort ends the handshake with its reason', async () => {
  await using pair = await socketPair();
  const abort = new AbortController();
  const reading = withHandshake(deps, pair.far, { ...options, signal: abort.signal }, (frames) =>
    frames.read(AgentHelloSchema),
  );
  abort.abort(new Error('shutting down'));
  await assert.rejects(reading, { message: 'shutting down' });
});

async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}
