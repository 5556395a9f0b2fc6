import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { clientImage } from './client-image.ts';
import { openOwnFiles } from './own-files.ts';

const layer = Buffer.from('a gzip layer');
const options = { architecture: 'amd64', registry: 'telepresence' } as const;

/** A package: bundles, the base for amd64, and Node. */
async function installed() {
  const root = await mkdtemp(join(tmpdir(), 'own-files-'));
  const write = async (path: string, content: string | Buffer): Promise<void> => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const base = { file: 'base.tar.gz', digest: 'd', diffId: 'i', size: layer.length };
  const node = { version: '26.1.2', integrity: {} };
  await write('dist/image/parts.json', JSON.stringify({ bases: { amd64: base }, node }));
  await write('dist/image/base.tar.gz', layer);
  await write('dist/telepresence.mjs', 'telepresence');
  await write('dist/telepresence/chunk.mjs', 'chunk');
  await write('dist/tel2.mjs', 'for the cluster');
  await write('node', 'node');
  return { root, write, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

async function imageOf(root: string) {
  const files = await openOwnFiles(root);
  return await clientImage({ files, node: join(root, 'node') }, options);
}

test('the image holds the base as it is, Node, and the bundles of the laptop alone', async () => {
  await using given = await installed();
  const image = await imageOf(given.root);
  const bytes = await buffer(Readable.from(await image.archive()));
  assert.ok(bytes.includes(layer));
  for (const there of [
    'app/telepresence/chunk.mjs',
    'usr/local/bin/telepresence',
    'usr/bin/node',
  ]) {
    assert.ok(bytes.includes(there), there);
  }
  for (const absent of ['tel2', given.root]) assert.ok(!bytes.includes(absent), absent);
  assert.ok(bytes.includes(`"telepresence.content":"${image.content}"`));
});

test('the same files are the same image, and a changed bundle is another', async () => {
  await using given = await installed();
  const { content } = await imageOf(given.root);
  assert.equal((await imageOf(given.root)).content, content);
  await given.write('dist/telepresence/chunk.mjs', 'changed');
  assert.notEqual((await imageOf(given.root)).content, content);
});

test('each part that is missing is one sentence, with what to do', async () => {
  await using given = await installed();
  const lacks = async (message: RegExp, promise: Promise<unknown>): Promise<void> => {
    await assert.rejects(promise, { code: 'ImagePartMissing', message, hint: /^install it anew/ });
  };
  const files = await openOwnFiles(given.root);
  await lacks(/lacks what containers on arm64 are made of$/, files.base('arm64'));
  await given.write('dist/image/base.tar.gz', 'cut');
  await lacks(/lacks the whole of base\.tar\.gz$/, files.base('amd64'));
  await rm(join(given.root, 'dist', 'telepresence.mjs'));
  await given.write('dist/image/base.tar.gz', layer);
  await lacks(/has no bundles$/, imageOf(given.root));
  await given.write('dist/image/parts.json', '{}');
  await lacks(/lacks a list of what/, openOwnFiles(given.root));
  await rm(join(given.root, 'dist'), { recursive: true });
  await lacks(/lacks what containers are made of$/, openOwnFiles(given.root));
});

test('bundles of a checkout that are older than its sources are not put into an image', async () => {
  await using given = await installed();
  await given.write('src/cli/main.ts', '');
  const at = (path: string, seconds: number) => utimes(join(given.root, path), seconds, seconds);
  await at('dist/telepresence.mjs', 2000);
  await at('src/cli/main.ts', 1000);
  await openOwnFiles(given.root);
  await at('src/cli/main.ts', 3000);
  await assert.rejects(openOwnFiles(given.root), {
    code: 'ImagePartMissing',
    message: /bundles are older than its sources/,
    hint: 'npm run bundle',
  });
});
