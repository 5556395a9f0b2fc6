import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '#base/log.ts';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { relayPaths } from '#kube/relay-paths.ts';
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

test('whatever the file holds: a path that there is, or none; what works now is remembered', async () => {
  await inFolder(async (stateDir) => {
    const path = join(stateDir, 'paths.json');
    const now = 1_700_000_000_000;
    const deps = { clock: { now: () => now }, log: silentLogger };
    const first = await openPathMemory(deps, { stateDir, access });
    first.remember('websocket');
    await first.written;
    const own = await readFile(path, 'utf8');
    const key = Object.keys(Object(JSON.parse(own))).join('');
    const samples = [-1e300, 0, now - 1, now, now + 1, 1e300].map((at) => ({
      [key]: { via: 'port-forward', at },
      other: { via: 'websocket', at },
    }));
    const crowd = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `c${String(index)}`,
        { via: 'websocket', at: 9e15 },
      ]),
    );
    const texts = fc.oneof(
      nearlyJson([...samples, crowd]).map((one) => JSON.stringify(one) ?? ''),
      nearlyText([own], ['{', '}', '"', ':', ',', '1e999', '"__proto__":']),
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...relayPaths), async (text, via) => {
        await writeFile(path, text);
        const memory = await openPathMemory(deps, { stateDir, access });
        const { remembered } = memory;
        assert.ok(remembered === undefined || relayPaths.includes(remembered));
        memory.remember(via);
        await memory.written;
        const next = await openPathMemory(deps, { stateDir, access });
        assert.equal(next.remembered, via);
      }),
      { numRuns: 300 },
    );
  });
});
