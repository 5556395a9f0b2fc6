import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { KubeError } from './errors.ts';
import { createFrameReader, encodeFrame, opcode } from './websocket-frames.ts';

interface Frame {
  readonly code: number;
  readonly payload: Buffer;
}

/** A server's frame: not masked. */
function serverFrame({ code, payload }: Frame): Buffer {
  const masked = encodeFrame(code, payload, Buffer.alloc(4));
  const start = masked.length - payload.length;
  const head = Buffer.from(masked.subarray(0, start - 4));
  head[1] = (head[1] ?? 0) & 0x7f;
  return Buffer.concat([head, payload]);
}

const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const frames = fc.array(
  fc.oneof(
    fc.record({ code: fc.constant(opcode.binary), payload: bytes }),
    fc.record({
      code: fc.constantFrom(opcode.close, opcode.ping, opcode.pong),
      payload: bytes.map((payload) => payload.subarray(0, 125)),
    }),
    // The long form of the length.
    fc.constant({ code: opcode.binary, payload: Buffer.alloc(70_000, 7) }),
  ),
  { maxLength: 6 },
);

function split(whole: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const sorted = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
  return [...sorted, whole.length].map((end, index) => whole.subarray(sorted[index - 1] ?? 0, end));
}

test('frames come out whole from any split of the bytes', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 20 }), (sent, cuts) => {
      const read = createFrameReader('server');
      const got: Frame[] = [];
      let payload: Buffer[] = [];
      for (const chunk of split(Buffer.concat(sent.map(serverFrame)), cuts)) {
        for (const piece of read(chunk)) {
          assert.equal(piece.first, payload.length === 0);
          payload.push(piece.payload);
          if (!piece.last) continue;
          got.push({ code: piece.opcode, payload: Buffer.concat(payload) });
          payload = [];
        }
      }
      assert.deepEqual(
        got,
        sent.map(({ code, payload }) => ({ code, payload })),
      );
    }),
  );
});

test('noise gives frames or a KubeError, never another error', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const read = createFrameReader('server');
      try {
        for (const chunk of chunks) for (const _ of read(Buffer.from(chunk)));
      } catch (error) {
        assert.ok(error instanceof KubeError);
      }
    }),
  );
});

test('a client’s frame is masked, and unmasks to what was sent', () => {
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 4, maxLength: 4 }), (payload, mask) => {
      const frame = encodeFrame(opcode.binary, payload, mask);
      assert.equal((frame[1] ?? 0) & 0x80, 0x80);
      const start = frame.length - payload.length;
      assert.deepEqual([...frame.subarray(start - 4, start)], [...mask]);
      const plain = frame.subarray(start).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
      assert.deepEqual(Buffer.from(plain), payload);
    }),
  );
});
