import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { handlerOutput } from './handler-output.ts';

async function printed(chunks: readonly Uint8Array[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const streams = { print: (line: string) => void lines.push(line), warn: () => {} };
  const output = handlerOutput(streams, { name: 'echo', width: 6 });
  const stdout = new PassThrough();
  const all = output.follow({ stdout, stderr: null });
  for (const chunk of chunks) stdout.write(chunk);
  stdout.end();
  await all;
  return lines;
}

test('each line has the name before it, as docker compose has it', async () => {
  assert.deepEqual(await printed([Buffer.from('one\ntwo\r\n\n 10%\r100%\nno end')]), [
    'echo    | one',
    'echo    | two',
    'echo    | ',
    'echo    | 100%',
    'echo    | no end',
  ]);
});

test('however the bytes come, the lines are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !/[\r\n]/.test(line))),
      fc.array(fc.nat({ max: 200 })),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const sorted = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
        const places = sorted.toSorted((a, b) => a - b);
        const chunks = places.map((from, at) => bytes.subarray(from, places[at + 1] ?? from));
        assert.deepEqual(
          await printed(chunks),
          lines.map((line) => `echo    | ${line}`),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('a line without an end is printed before it fills the memory', async () => {
  const lines = await printed([Buffer.alloc(70_000, 'x')]);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.length, 70_000 + 'echo    | '.length);
});

test('standard error goes beside it', async () => {
  const told: string[] = [];
  const streams = { print: () => {}, warn: (line: string) => void told.push(line) };
  const stderr = new PassThrough();
  const all = handlerOutput(streams, { name: 'a', width: 1 }).follow({ stdout: null, stderr });
  stderr.end('oh\n');
  await all;
  assert.deepEqual(told, ['a  | oh']);
});
