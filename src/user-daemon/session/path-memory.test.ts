import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { silentLogger } from '#base/log.ts';
import { openPathMemory } from './path-memory.ts';

const trust = { ca: 'CA', serverName: undefined, skipVerify: false };
const access = { server: new URL('https://a:6443'), proxy: undefined, trust };
const day = 24 * 3600_000;

async function inFolder(work: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'path-memory-'));
  try {
    await work(stateDir);
  } finally {
    await rm(stateDir, { recursive: true });
  }
}

test('the path of each cluster is kept for a day', async () => {
  await inFolder(async (stateDir) => {
    let now = 1000;
    const deps = { clock: { now: () => now }, log: silentLogger };
    const recall = async (of: typeof access | { readonly proxy: URL } = access) =>
      (await openPathMemory(deps, { stateDir, access: { ...access, ...of } })).remembered;
    assert.equal(await recall(), undefined);
    const memory = await openPathMemory(deps, { stateDir, access });
    memory.remember('port-forward');
    memory.remember('websocket');
    await memory.written;
    assert.equal(await recall(), 'websocket');
    assert.equal(await recall({ ...access, server: new URL('https://b:6443') }), undefined);
    assert.equal(await recall({ ...access, trust: { ...trust, ca: 'other' } }), undefined);
    assert.equal(await recall({ proxy: new URL('http://p:1') }), undefined);
    now += day - 1;
    assert.equal(await recall(), 'websocket');
    now += 1;
    assert.equal(await recall(), undefined);
  });
});

test('a broken file is an empty one; of many clusters the latest are kept', async () => {
  await inFolder(async (stateDir) => {
    const path = join(stateDir, 'paths.json');
    await writeFile(path, '{"a":{"via":"magic"}}');
    let now = 0;
    const deps = { clock: { now: () => (now += 1) }, log: silentLogger };
    for (let index = 0; index < 60; index += 1) {
      const server = new URL(`https://a${String(index)}`);
      const memory = await openPathMemory(deps, { stateDir, access: { ...access, server } });
      assert.equal(memory.remembered, undefined);
      memory.remember('port-forward');
      await memory.written;
    }
    const kept: unknown = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(Object.keys(Object(kept)).length, 50);
    const server = new URL('https://a59');
    const last = await openPathMemory(deps, { stateDir, access: { ...access, server } });
    assert.equal(last.remembered, 'port-forward');
  });
});
