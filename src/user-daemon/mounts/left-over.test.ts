/** What `mounts.json` may hold: whatever it is, only our mount points go, and nobody's files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '#base/log.ts';
import { nearlyText } from '#base/nearly.fixture.ts';
import { openMountMemory } from './left-over.ts';
import { isVolumePath } from '#protocol/sftp/volume-path.ts';

const base = mkdtempSync(join(tmpdir(), 'left-over-'));
const home = join(base, 'home');
const at = join(home, 'mount-point');
const precious = join(home, 'precious');
after(() => rmSync(base, { recursive: true }));
beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(at, { recursive: true });
  writeFileSync(precious, '');
});

/** Opens the memory after `text` was left in its file, and tells what was released. */
async function opened(text?: string): Promise<string[]> {
  if (text !== undefined) writeFileSync(join(base, 'mounts.json'), text);
  const released: string[] = [];
  const mounts = {
    isMounted: async () => false,
    release: async (path: string) => void released.push(path),
  };
  await openMountMemory({ log: silentLogger, mounts, stateDir: base });
  return released;
}

// Only names below a directory of the test's own: what is wrong here is removed as root.
const names = fc.constantFrom('part-of-a-test', '..', '.', '', '../precious', '/', '\0', 'a/../..');
const paths = fc.constantFrom(
  at,
  `${at}/`,
  `${home}/x/../mount-point`,
  'home',
  '',
  '/',
  '//',
  '\0',
);
const entry = fc.record({
  path: fc.oneof(paths, fc.constant(7)),
  made: fc.oneof(fc.boolean(), fc.constant('yes')),
  parts: fc.oneof(fc.array(names, { maxLength: 3 }), fc.constant(null)),
});

test('only names in the mount point are removed, and whatever else is there stays', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(entry, fc.jsonValue()), { maxLength: 4 }), async (list) => {
      mkdirSync(at, { recursive: true });
      const released = await opened(JSON.stringify(list));
      for (const path of released) assert.equal(path, at);
      assert.ok(existsSync(precious));
    }),
    { numRuns: 300 },
  );
  // One that is broken does not hide the others.
  const good = { path: at, made: true, parts: [] };
  assert.deepEqual(await opened(JSON.stringify([{ ...good, parts: ['..'] }, good])), [at]);
  assert.equal(existsSync(at), false);
});

test('a file that is hardly JSON', async () => {
  const sample = '[{"path":7,"made":true,"parts":[]},{"made":false}]';
  await fc.assert(
    fc.asyncProperty(nearlyText([sample], ['[', '{', '}', '"', ',', '1e999']), async (text) => {
      assert.deepEqual(await opened(text), []);
    }),
    { numRuns: 200 },
  );
});

test('what is written down is what the next process takes away', async () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).map((text) => encodeURIComponent(text));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 5 }), fc.nat(4), async (some, gone) => {
      writeFileSync(join(base, 'mounts.json'), '[]');
      const mounts = { isMounted: async () => false, release: async () => {} };
      const memory = await openMountMemory({ log: silentLogger, mounts, stateDir: base });
      const all = some.map((one) => join(home, 'made', `x${one}`));
      for (const path of all) await memory.remember({ path, made: true, parts: ['x'] });
      const left = all.toSpliced(gone, 1);
      for (const path of all.slice(gone, gone + 1)) await memory.forget(path);
      assert.deepEqual(await opened(), left);
    }),
    { numRuns: 50 },
  );
});

test('the path of a volume that an agent tells never leads out of the mount point', () => {
  const path = nearlyText(
    ['/etc/app', '/var/run/secrets/kubernetes.io/serviceaccount', '/a b/ü'],
    ['/', '..', '.', '/../', '//', '\\', '\0'],
  );
  fc.assert(
    fc.property(path, (text) => {
      if (!isVolumePath(text)) return;
      assert.equal(posix.join('/root', text), `/root${text}`);
      assert.ok(posix.join('/root', text).startsWith('/root/'));
    }),
    { numRuns: 2000 },
  );
  assert.ok(isVolumePath('/etc/..data/...'));
});
