import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { run } from './command.ts';
import { readElf, type ReadAt } from './elf.ts';

const inMemory =
  (bytes: Buffer): ReadAt =>
  async (offset, length) =>
    bytes.subarray(offset, offset + length);

async function fileReader(path: string): Promise<{ read: ReadAt } & AsyncDisposable> {
  const file = await open(path);
  return {
    async read(offset, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

test('a program of this machine needs what the loader says that it needs', async () => {
  await using reader = await fileReader(process.execPath);
  const elf = await readElf(reader.read);
  assert.match(elf?.interpreter ?? '', /^\/lib.*\/ld-linux/);
  const { stdout } = await run(['ldd', process.execPath], { signal: AbortSignal.timeout(20_000) });
  for (const name of elf?.needed ?? []) assert.ok(stdout.includes(name), name);
  assert.ok(elf?.needed.includes('libc.so.6'));
});

test('what is no ELF file is none', async () => {
  assert.equal(await readElf(inMemory(Buffer.from('#!/bin/sh\n'))), undefined);
});

test('a damaged file is read without harm', async () => {
  await using reader = await fileReader(process.execPath);
  const head = await reader.read(0, 4096);
  const change = fc.tuple(fc.nat(head.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1 }), fc.nat(4096), async (changes, length) => {
      const bytes = Buffer.from(head.subarray(0, length));
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      const elf = await readElf(inMemory(bytes));
      assert.ok(elf === undefined || Array.isArray(elf.needed));
    }),
  );
});
