import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from './log-file.ts';

const deps = { asOwner: <T>(run: () => T): T => run() };

async function folder() {
  const at = await mkdtemp(join(tmpdir(), 'log-file-'));
  return { at, [Symbol.asyncDispose]: async () => await rm(at, { recursive: true }) };
}

test('files are bounded in length and number, and whoever holds the file open writes on into it', async () => {
  await using dir = await folder();
  const path = join(dir.at, 'x.log');
  const other = openSync(path, 'a', 0o644);
  using log = openLogFile(deps, { path, files: 3, longestBytes: 100 });
  for (let index = 0; index < 100; index += 1) log.write(`${String(index).padStart(9, '0')}\n`);
  writeSync(other, 'last words\n');
  closeSync(other);
  assert.deepEqual((await readdir(dir.at)).toSorted(), ['x.log', 'x.log.1', 'x.log.2']);
  const [now, before, first] = await Promise.all(
    ['', '.1', '.2'].map(async (end) => await readFile(path + end, 'utf8')),
  );
  assert.equal(before?.length, 100);
  assert.equal(first?.length, 100);
  const [line = ''] = (now ?? '').split('\n');
  assert.match(now ?? '', /last words\n$/);
  assert.equal(before?.split('\n').at(-2), String(Number(line) - 1).padStart(9, '0'));
  for (const end of ['', '.1']) assert.equal((await stat(path + end)).mode & 0o777, 0o600);
});

test('a link in its place is not followed', async () => {
  await using dir = await folder();
  const path = join(dir.at, 'x.log');
  await symlink(join(dir.at, 'elsewhere'), path);
  assert.throws(() => openLogFile(deps, { path, files: 2 }), { code: 'ELOOP' });
  assert.deepEqual(await readdir(dir.at), ['x.log']);
});
