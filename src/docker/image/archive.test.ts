import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { imageArchive } from './archive.ts';
import { measureLayer, withParents } from './layer.ts';
import { tar, type TarEntry } from './tar.ts';

/** Reads what `tar` writes: ustar headers, and GNU's long names. */
function untar(bytes: Buffer): Map<string, { type: string; content: Buffer; target: string }> {
  const found = new Map<string, { type: string; content: Buffer; target: string }>();
  const string = (from: number, to: number): string =>
    bytes.toString('utf8', from, to).replace(/\0[^]*$/, '');
  let long: { L?: string; K?: string } = {};
  for (let at = 0; bytes[at] !== 0;) {
    const size = Number.parseInt(string(at + 124, at + 136), 8);
    const type = string(at + 156, at + 157);
    const content = bytes.subarray(at + 512, at + 512 + size);
    if (type === 'L' || type === 'K') long[type] = content.toString('utf8').replace(/\0$/, '');
    else {
      const target = long.K ?? string(at + 157, at + 257);
      found.set(long.L ?? string(at, at + 100), { type, content, target });
      long = {};
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

const bytesOf = (entries: readonly TarEntry[]): Promise<Buffer> =>
  buffer(Readable.from(tar(entries)));

const path = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9_.-]{1,60}$/), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'))
  .filter((joined) => !joined.split('/').some((part) => /^\.+$/.test(part)));
const entry: fc.Arbitrary<TarEntry> = fc.oneof(
  fc.record({ kind: fc.constant<'directory'>('directory'), path, mode: fc.constant(0o755) }),
  fc.record({ kind: fc.constant<'symlink'>('symlink'), path, target: path }),
  fc.record({
    kind: fc.constant<'file'>('file'),
    path,
    mode: fc.constant(0o644),
    content: fc.record({ bytes: fc.uint8Array({ maxLength: 1500 }) }),
  }),
);

test('every entry comes out of the archive as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(entry, { selector: (one) => one.path }), async (entries) => {
      const found = untar(await bytesOf(entries));
      assert.equal(found.size, entries.length);
      for (const one of entries) {
        const there = found.get(one.kind === 'directory' ? `${one.path}/` : one.path);
        if (one.kind === 'symlink') assert.equal(there?.target, one.target);
        if (one.kind === 'file' && 'bytes' in one.content) {
          assert.deepEqual(there?.content, Buffer.from(one.content.bytes));
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('directories come before what is in them, and each path once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(path), (paths) => {
      const all = withParents(paths.map((one) => ({ kind: 'symlink', path: one, target: 'x' })));
      const seen = new Set<string>();
      for (const { path: one } of all) {
        assert.ok(!seen.has(one));
        seen.add(one);
        const up = one.split('/').slice(0, -1).join('/');
        assert.ok(up === '' || seen.has(up), one);
      }
    }),
  );
});

test('the archive names its layers by the hashes of their bytes, in both ways', async () => {
  const layers = [
    await measureLayer([
      { kind: 'file', path: 'a', mode: 0o644, content: { bytes: Buffer.from('a') } },
    ]),
    await measureLayer([{ kind: 'symlink', path: 'b', target: 'a' }]),
  ];
  const image = { name: 'x/y:1', architecture: 'arm64', config: { entrypoint: ['a'] } } as const;
  const found = untar(await bytesOf(imageArchive(image, layers)));
  for (const [name, { content }] of found) {
    const named = /^blobs\/sha256\/(.+)$/.exec(name)?.[1];
    if (named === undefined || named === '') continue;
    assert.equal(createHash('sha256').update(content).digest('hex'), named);
  }
  const read = (name: string): string => found.get(name)?.content.toString() ?? '';
  assert.match(read('manifest.json'), /"RepoTags":\["x\/y:1"\]/);
  assert.match(read('index.json'), /docker\.io\/x\/y:1/);
  for (const { digest } of layers) {
    assert.ok(read('manifest.json').includes(`blobs/sha256/${digest}`));
    assert.ok(found.has(`blobs/sha256/${digest}`));
  }
});
