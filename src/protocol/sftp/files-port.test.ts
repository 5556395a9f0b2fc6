import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  beat,
  beatType,
  createFirstLineReader,
  encodeAnswer,
  encodeGreeting,
  longestLine,
  readAnswer,
  readGreeting,
} from './files-port.ts';
import { createPacketReader } from './packets.ts';
import { packet } from './wire.ts';

const token = 'ab'.repeat(32);

/** Bytes in pieces that end where `cuts` say. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length];
  let from = 0;
  return ends
    .toSorted((one, other) => one - other)
    .map((end) => bytes.subarray(from, (from = end)));
}

test('a greeting says what it said, however it is split, and leaves what is behind it', () => {
  const container = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  const behind = fc.uint8Array({ maxLength: 50 });
  const cuts = fc.array(fc.nat());
  fc.assert(
    fc.property(container, fc.boolean(), behind, cuts, (name, readOnly, rest, at) => {
      const greeting = { token, container: name, readOnly };
      const reader = createFirstLineReader();
      const got: Buffer[] = [];
      let line: string | undefined;
      for (const piece of pieces(Buffer.concat([encodeGreeting(greeting), rest]), at)) {
        if (line !== undefined) {
          got.push(piece);
          continue;
        }
        const first = reader.push(piece);
        if (first === undefined) continue;
        ({ line } = first);
        got.push(first.rest);
      }
      assert.deepEqual(readGreeting(line ?? ''), greeting);
      assert.deepEqual(Buffer.concat(got), Buffer.from(rest));
    }),
  );
});

test('noise is no greeting, and nothing long is kept', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      const reader = createFirstLineReader();
      try {
        const first = reader.push(Buffer.from(noise));
        assert.equal(readGreeting(first?.line ?? ''), undefined);
      } catch (error) {
        assert.ok(error instanceof RangeError && noise.length > longestLine);
      }
    }),
  );
  const line = encodeGreeting({ token, container: 'app', readOnly: true }).toString().trim();
  for (const bad of [
    line.toUpperCase(),
    `${line} more`,
    line.replace('app', '../x'),
    line.replace('app', ''),
    line.replace(token, token.slice(1)),
  ]) {
    assert.equal(readGreeting(bad), undefined, bad);
  }
});

test('an answer is one line, whatever its words', () => {
  assert.equal(readAnswer(encodeAnswer(undefined).toString().trimEnd()), undefined);
  assert.match(readAnswer('HTTP/1.1 400 Bad Request') ?? '', /does not serve files/);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (why) => {
      const bytes = encodeAnswer(why);
      assert.equal(bytes.indexOf(0x0a), bytes.length - 1);
      assert.ok(bytes.length <= longestLine);
      assert.notEqual(readAnswer(bytes.toString().slice(0, -1)), undefined);
    }),
  );
});

test('a beat is a packet of its own, between any others', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.array(fc.nat()), (all, cuts) => {
      const packets = all.flatMap((body) => [packet(103, Buffer.from(body)), beat]);
      const reader = createPacketReader();
      const types = pieces(Buffer.concat(packets), cuts)
        .flatMap((piece) => reader.push(piece))
        .map(({ type }) => type);
      assert.deepEqual(
        types,
        all.flatMap(() => [103, beatType]),
      );
    }),
  );
});
