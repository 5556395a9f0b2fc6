import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  capsuleTypes,
  createCapsuleReader,
  decodeDatagram,
  encodeCapsule,
  encodeDatagram,
  type Capsule,
} from './capsules.ts';

const plain = { noNullPrototype: true };
const buffer = (maxLength: number) => fc.uint8Array({ maxLength }).map((it) => Buffer.from(it));

test('numbers as RFC 9000 writes them', () => {
  const numbers: [string, number][] = [
    ['25', 37],
    ['7bbd', 15_293],
    ['9d7f3e7d', 494_878_333],
    ['c000000100000000', 4_294_967_296],
  ];
  for (const [hex, type] of numbers) {
    const [capsule] = createCapsuleReader().push(Buffer.from(`${hex}00`, 'hex'));
    assert.equal(capsule?.type, type);
  }
  assert.equal(encodeCapsule(15_293).toString('hex'), '7bbd00');
  assert.equal(encodeCapsule(494_878_333).toString('hex'), '9d7f3e7d00');
});

test('capsules come out as they went in, however the stream is cut', () => {
  const capsules = fc.array(fc.record({ type: fc.nat(0x3fff_ffff), value: buffer(100) }, plain));
  fc.assert(
    fc.property(capsules, fc.integer({ min: 1, max: 50 }), (sent, step) => {
      const bytes = Buffer.concat(sent.map(({ type, value }) => encodeCapsule(type, value)));
      const reader = createCapsuleReader();
      const got: Capsule[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        got.push(...reader.push(bytes.subarray(at, at + step)));
      }
      assert.deepEqual(got, sent);
    }),
  );
});

test('a datagram of any size', () => {
  for (const length of [0, 1, 63, 64, 1400, 16_383, 16_384, 65_507, 65_527]) {
    const payload = Buffer.alloc(length, 'x');
    const [capsule] = createCapsuleReader().push(encodeDatagram(payload));
    assert.ok(capsule !== undefined);
    assert.ok(decodeDatagram(capsule)?.equals(payload));
  }
  assert.equal(
    decodeDatagram({ type: capsuleTypes.unreachable, value: Buffer.alloc(1) }),
    undefined,
  );
  assert.equal(decodeDatagram({ type: 0, value: Buffer.from([2, 1]) }), undefined, 'other context');
  assert.equal(decodeDatagram({ type: 0, value: Buffer.alloc(0) }), undefined);
});

test('a capsule that nobody would send is not waited for, and rubbish is survived', () => {
  assert.throws(
    () => createCapsuleReader().push(encodeCapsule(0, Buffer.alloc(70_000))),
    RangeError,
  );
  assert.throws(
    () => createCapsuleReader().push(Buffer.from('00ffffffffffffffff', 'hex')),
    RangeError,
  );
  fc.assert(
    fc.property(fc.array(buffer(40)), (chunks) => {
      const reader = createCapsuleReader();
      try {
        for (const chunk of chunks) reader.push(chunk);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});
