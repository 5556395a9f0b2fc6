import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileAttributes } from './attributes.ts';
import { longestPacket } from './numbers.ts';
import { createPacketReader } from './packets.ts';
import { encodeReply, encodeVersion, readReply, type SftpReply } from './reply.ts';
import { encodeInit, encodeRequest, readRequest, type SftpRequest } from './request.ts';

const plain = { noNullPrototype: true } as const;
const uint32 = fc.nat(0xffff_ffff);
const uint64 = fc.maxSafeNat();
const text = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const attributes: fc.Arbitrary<FileAttributes> = fc.record(
  {
    size: uint64,
    owner: fc.record({ uid: uint32, gid: uint32 }, plain),
    mode: uint32,
    times: fc.record({ accessed: uint32, modified: uint32 }, plain),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const kinds = <K extends string>(...all: readonly K[]): fc.Arbitrary<K> => fc.constantFrom(...all);

const request: fc.Arbitrary<Exclude<SftpRequest, { kind: 'unknown' }>> = fc.oneof(
  fc.record({ kind: kinds('open'), path: text, flags: uint32, attributes }, plain),
  fc.record({ kind: kinds('close', 'fstat', 'readdir', 'fstatvfs', 'fsync'), handle: text }, plain),
  fc.record({ kind: kinds('read'), handle: text, offset: uint64, length: uint32 }, plain),
  fc.record({ kind: kinds('write'), handle: text, offset: uint64, data }, plain),
  fc.record(
    {
      kind: kinds('lstat', 'stat', 'opendir', 'remove', 'rmdir', 'realpath', 'readlink', 'statvfs'),
      path: text,
    },
    plain,
  ),
  fc.record({ kind: kinds('setstat', 'mkdir'), path: text, attributes }, plain),
  fc.record({ kind: kinds('fsetstat'), handle: text, attributes }, plain),
  fc.record({ kind: kinds('rename', 'posixRename', 'hardlink'), from: text, to: text }, plain),
  fc.record({ kind: kinds('symlink'), target: text, path: text }, plain),
);

const reply: fc.Arbitrary<SftpReply> = fc.oneof(
  fc.record({ kind: kinds('status'), code: uint32, message: fc.string() }, plain),
  fc.record({ kind: kinds('handle'), handle: text }, plain),
  fc.record({ kind: kinds('data'), data }, plain),
  fc.record(
    { kind: kinds('names'), names: fc.array(fc.record({ name: text, attributes }, plain)) },
    plain,
  ),
  fc.record({ kind: kinds('attributes'), attributes }, plain),
  fc.record(
    {
      kind: kinds('use'),
      use: fc.record(
        {
          blockSize: uint64,
          blocks: uint64,
          free: uint64,
          available: uint64,
          files: uint64,
          freeFiles: uint64,
        },
        plain,
      ),
    },
    plain,
  ),
);

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

test('what was written is read, however it is cut up', () => {
  fc.assert(
    fc.property(
      fc.array(request),
      fc.array(reply),
      fc.integer({ min: 1, max: 50 }),
      (asked, answered, size) => {
        const requests = createPacketReader();
        const bytes = Buffer.concat(asked.map((one, id) => encodeRequest(id, one)));
        const read = pieces(bytes, size)
          .flatMap((piece) => requests.push(piece))
          .map(readRequest);
        assert.deepEqual(
          read,
          asked.map((one, id) => ({ id, request: one })),
        );
        const replies = createPacketReader();
        const back = Buffer.concat(answered.map((one, id) => encodeReply(id, one)));
        const got = pieces(back, size)
          .flatMap((piece) => replies.push(piece))
          .map(readReply);
        assert.deepEqual(
          got,
          answered.map((one, id) => ({ id, reply: one })),
        );
      },
    ),
  );
});

test('any bytes are read, or are a RangeError, and nothing is held beyond a packet', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
      const reader = createPacketReader();
      try {
        for (const chunk of chunks) {
          for (const packet of reader.push(Buffer.from(chunk))) {
            readRequest(packet);
            readReply(packet);
          }
        }
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
  );
});

test('lengths that nobody means', () => {
  const length = (value: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  for (const value of [0, longestPacket + 1, 0xffff_ffff]) {
    assert.throws(() => createPacketReader().push(length(value)), RangeError);
  }
  assert.deepEqual(createPacketReader().push(length(longestPacket)), []);
});

test('a request with a string longer than its packet, and a size that no file has', () => {
  const stat = encodeRequest(1, { kind: 'stat', path: 'abc' });
  stat.writeUInt32BE(4, 9);
  const packets = createPacketReader().push(stat);
  assert.throws(() => packets.map(readRequest), RangeError);
  const read = encodeRequest(1, { kind: 'read', handle: 'h', offset: 0, length: 1 });
  read.writeUInt32BE(0xffff_ffff, 14);
  assert.throws(() => createPacketReader().push(read).map(readRequest), RangeError);
});

test('the bytes are those of the draft', () => {
  assert.equal(encodeInit(3).toString('hex'), '000000050100000003');
  assert.equal(
    encodeVersion().subarray(0, 9).toString('hex'),
    encodeVersion().length < 256
      ? `000000${(encodeVersion().length - 4).toString(16)}0200000003`
      : '',
  );
  assert.equal(
    encodeRequest(7, { kind: 'lstat', path: '/a' }).toString('hex'),
    '0000000b0700000007000000022f61',
  );
  assert.equal(
    encodeReply(7, { kind: 'status', code: 2, message: '' }).toString('hex'),
    '000000116500000007000000020000000000000000',
  );
});

test('what is unknown is said to be, with its id', () => {
  const [packet] = createPacketReader().push(Buffer.from('00000005630000002a', 'hex'));
  assert.ok(packet);
  assert.deepEqual(readRequest(packet), {
    id: 42,
    request: { kind: 'unknown', what: 'packet type 99' },
  });
});
