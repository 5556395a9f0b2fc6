import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock, type Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { copyVolume } from '#host/mounts/copy-volume.ts';
import { keepCopied } from '#host/mounts/keep-copied.ts';
import { createFakeRemoteMounts, type FakeRemoteMounts } from '#host/mounts/remote-mounts.fake.ts';
import { GetEnvironmentResponseSchema, MountRequestSchema } from '#protocol/gen/telepresence_pb.ts';
import { statusCodes } from '#protocol/sftp/numbers.ts';
import { openSftpClient } from '#protocol/sftp/client.ts';
import { serveDirectory, writeVolume } from './file-server.fixture.ts';
import { openMountMemory } from './left-over.ts';
import { createMounts, type Mounts } from './mounts.ts';

const { signal } = new AbortController();

interface Site {
  readonly base: string;
  readonly pod: string;
  readonly kernel: FakeRemoteMounts;
  readonly mounts: Mounts;
  readonly streams: readonly Duplex[];
  /** Why no agent can be asked for files. */
  trouble: string | undefined;
  /** What the agent says that is not so. */
  lie: Parameters<typeof serveDirectory>[1];
  readonly add: (path?: string, volumes?: readonly string[]) => ReturnType<Mounts['add']>;
}

async function withSite(run: (site: Site) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const pod = join(base, 'pod');
  const temporaryDirectory = join(base, 'tmp');
  mkdirSync(pod);
  mkdirSync(temporaryDirectory);
  const kernel = createFakeRemoteMounts();
  const streams: Duplex[] = [];
  // Seconds pass as quickly as they can.
  const clock: Clock = { ...systemClock, sleep: (_ms, until) => systemClock.sleep(1, until) };
  const deps = { clock, log: silentLogger, random: () => 0.5, mounts: kernel };
  const memory = await openMountMemory({ ...deps, stateDir: base });
  let number = 0;
  const mounts = createMounts({
    ...deps,
    memory,
    temporaryDirectory,
    randomInt: () => (number += 1),
    async openFiles(_of, until) {
      until.throwIfAborted();
      if (site.trouble !== undefined) throw new Error(site.trouble);
      const stream = serveDirectory(pod, site.lie);
      streams.push(stream);
      return stream;
    },
  });
  const site: Site = {
    base,
    pod,
    kernel,
    mounts,
    streams,
    trouble: undefined,
    lie: undefined,
    add: async (path = '', volumes = ['/etc/app']) =>
      await mounts.add(
        {
          interceptUid: `uid${path}`,
          request: create(MountRequestSchema, { path }),
          found: create(GetEnvironmentResponseSchema, {
            container: 'app',
            mounts: [...volumes],
            volumes: volumes.map((one) => ({ path: one, small: !one.startsWith('/big') })),
          }),
        },
        signal,
      ),
  };
  try {
    await run(site);
  } finally {
    await mounts[Symbol.asyncDispose]();
    rmSync(base, { recursive: true, force: true });
  }
}

async function until(look: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!look()) await systemClock.sleep(2, deadline);
}

test('mounted in a directory of its own, again when it was lost, and gone at the end', async () => {
  await withSite(async ({ kernel, mounts, streams, add, base }) => {
    const state = await add();
    const mountPoint = join(base, 'tmp/telfs-1');
    assert.deepEqual(state, { mountPoint, mountError: '', mountNote: '', mounts: ['/etc/app'] });
    assert.equal(statSync(mountPoint).mode & 0o777, 0o700);
    assert.deepEqual([...kernel.mounted], [mountPoint]);
    streams[0]?.destroy();
    await until(() => streams.length === 2 && kernel.mounted.has(mountPoint));
    assert.deepEqual(mounts.stateOf('uid'), state);
    await mounts.retain(['another']);
    assert.deepEqual([...kernel.mounted], []);
    assert.equal(existsSync(mountPoint), false);
    assert.equal(mounts.stateOf('uid'), undefined);
  });
});

test('a path of the user’s own: an empty directory stays, one that was made goes', async () => {
  await withSite(async ({ mounts, add, base }) => {
    const mine = join(base, 'mine');
    const made = join(base, 'a/b/made');
    mkdirSync(mine);
    assert.equal((await add(mine)).mountPoint, mine);
    assert.equal((await add(made)).mountPoint, made);
    await mounts.retain([]);
    assert.ok(existsSync(mine));
    assert.equal(existsSync(made), false);
    writeFileSync(join(mine, 'thing'), '');
    assert.equal((await add(mine)).mountError, `${mine} is not empty`);
    assert.equal(
      (await add(join(mine, 'thing'))).mountError,
      `${join(mine, 'thing')} is not a directory`,
    );
    const below = join(mine, 'thing/below');
    assert.match((await add(below)).mountError, /thing\/below cannot be used \(ENOTDIR/);
    assert.deepEqual(readdirSync(mine), ['thing']);
  });
});

test('no volumes, an older agent, no agent: what is said, and nothing is left', async () => {
  await withSite(async (site) => {
    assert.equal((await site.add('', [])).mountError, '');
    assert.equal(
      (await site.add(join(site.base, 'x'), [])).mountError,
      'the container has no volumes',
    );
    const found = create(GetEnvironmentResponseSchema, { container: 'app', mounts: ['/data'] });
    const request = create(MountRequestSchema, {});
    const old = await site.mounts.add({ interceptUid: 'old', request, found }, signal);
    assert.match(old.mountError, /older version; restart the workload/);
    site.trouble = 'no traffic-agent';
    assert.equal((await site.add()).mountError, 'no traffic-agent');
    site.kernel.lacks = 'sshfs is not installed';
    assert.equal((await site.add()).mountError, 'no traffic-agent');
    assert.deepEqual(readdirSync(join(site.base, 'tmp')), []);
  });
});

test('without sshfs: a copy of what is small, kept as the original is', async () => {
  await withSite(async ({ pod, base, kernel, mounts, streams, add }) => {
    kernel.lacks = 'sshfs is not installed';
    writeVolume(join(pod, 'etc/app'), { a: 'one', b: 'two' });
    mkdirSync(join(pod, 'etc/part/deep'), { recursive: true });
    writeFileSync(join(pod, 'etc/part/deep/file'), 'part');
    writeFileSync(join(pod, 'etc/single'), 'single', { mode: 0o644 });
    const volumes = ['/etc/app', '/etc/part', '/etc/single', '/big/data', '/none'];
    const state = await add('', volumes);
    const mountPoint = join(base, 'tmp/telfs-1');
    assert.deepEqual(state, {
      mountPoint,
      mountError: '',
      mountNote:
        'a read-only copy of ConfigMaps, Secrets and tokens, without /big/data, /none (sshfs is not installed)',
      mounts: ['/etc/app', '/etc/part', '/etc/single'],
    });
    const read = (path: string): string => readFileSync(join(mountPoint, path), 'utf8');
    assert.equal(
      read('etc/app/a') + read('etc/part/deep/file') + read('etc/single'),
      'onepartsingle',
    );
    assert.ok(lstatSync(join(mountPoint, 'etc/app/a')).isSymbolicLink());
    assert.equal(statSync(join(mountPoint, 'etc/single')).mode & 0o222, 0);
    writeVolume(join(pod, 'etc/app'), { a: 'three', c: 'new' });
    await until(() => existsSync(join(mountPoint, 'etc/app/c')));
    assert.equal(read('etc/app/a') + read('etc/app/c'), 'threenew');
    await until(() => readdirSync(join(mountPoint, 'etc/app')).length === 4);
    // The link is lost; what is copied stays, and is looked after again.
    streams.at(-1)?.destroy();
    writeVolume(join(pod, 'etc/app'), { a: 'four' });
    await until(() => readdirSync(join(mountPoint, 'etc/app')).length === 3);
    assert.equal(read('etc/app/a'), 'four');
    assert.deepEqual(readdirSync(join(mountPoint, 'etc/app')).toSorted().slice(1), ['..data', 'a']);
    await mounts.drop('uid');
    assert.equal(existsSync(mountPoint), false);
  });
});

test('a mount that fails is a copy, and says why; nothing to copy is an error', async () => {
  await withSite(async ({ pod, kernel, add }) => {
    kernel.fails = 'fusermount3: not permitted';
    writeVolume(join(pod, 'etc/app'), { a: 'one' });
    assert.match((await add()).mountNote, /copy .* \(sshfs: fusermount3: not permitted\)/);
    assert.equal(
      (await add('', ['/big'])).mountError,
      'sshfs: fusermount3: not permitted; without that only ConfigMaps, Secrets and tokens can be had',
    );
  });
});

test('a copy of what is too long, or leads out, is left out', async () => {
  await withSite(async ({ pod, base, kernel, add }) => {
    kernel.lacks = 'no';
    writeVolume(join(pod, 'ok'), { a: 'one' });
    mkdirSync(join(pod, 'long'));
    writeFileSync(join(pod, 'long/file'), Buffer.alloc(40 * 1024 * 1024));
    mkdirSync(join(pod, 'out'));
    symlinkSync('../../../escape', join(pod, 'out/..data'));
    const { mountNote, mounts } = await add('', ['/long', '/out', '/ok']);
    assert.match(mountNote, /without \/long, \/out/);
    assert.deepEqual(mounts, ['/ok']);
    assert.equal(existsSync(join(base, 'escape')), false);
  });
});

test('an agent that says where else its volumes are: nothing is written, or removed, out there', async () => {
  await withSite(async ({ pod, base, kernel, mounts, add }) => {
    kernel.lacks = 'no';
    const temporary = join(base, 'tmp');
    // A link that is in one volume of the pod, and leads out of its copy.
    writeVolume(join(base, 'led'), { evil: '1' });
    mkdirSync(join(pod, 'a'));
    symlinkSync('../../led', join(pod, 'a/l'));
    mkdirSync(join(temporary, 'led'));
    writeFileSync(join(temporary, 'led/mine'), '');
    writeFileSync(join(base, 'file'), 'evil');
    writeVolume(join(pod, 'ok'), { a: 'one' });
    const out = ['/../file', '/..', '/', '//ok', 'ok', '/ok/..', '/ok/../../file', '/./ok', '/o\0'];
    const state = await add('', [...out, '/a', '/a/l', '/a/l/evil', '/ok']);
    assert.deepEqual(state.mounts, ['/a', '/ok']);
    assert.deepEqual(readdirSync(join(temporary, 'led')), ['mine']);
    assert.deepEqual(readdirSync(temporary).toSorted(), ['led', 'telfs-1']);
    await mounts.drop('uid');
    assert.deepEqual(readdirSync(temporary), ['led']);
    assert.deepEqual(readdirSync(join(temporary, 'led')), ['mine']);
  });
});

test('an agent that has one name twice: nothing is written where its link leads', async () => {
  await withSite(async (site) => {
    const { pod, base, kernel, add } = site;
    kernel.lacks = 'no';
    const victim = join(base, '.ssh');
    mkdirSync(victim);
    for (const path of ['plain', 'turning/..one']) {
      mkdirSync(join(pod, path, 'x'), { recursive: true });
      writeFileSync(join(pod, path, 'x/authorized_keys'), 'evil');
    }
    symlinkSync('..one', join(pod, 'turning/..data'));
    writeVolume(join(pod, 'ok'), { a: 'one' });
    const link = { name: 'x', attributes: { mode: 0o120_777 } };
    const directory = { name: 'x', attributes: { mode: 0o040_755 } };
    const told = new Set<string>();
    site.lie = (request) => {
      if (request.kind === 'readlink' && request.path.endsWith('/x')) {
        return { kind: 'names', names: [{ name: victim, attributes: {} }] };
      }
      if (request.kind === 'opendir') told.delete(request.path);
      if (request.kind !== 'readdir' || !/plain$|[.]{2}one$/.test(request.handle)) return undefined;
      if (told.has(request.handle)) {
        return { kind: 'status', code: statusCodes.endOfFile, message: '' };
      }
      told.add(request.handle);
      return { kind: 'names', names: [link, directory] };
    };
    assert.deepEqual((await add('', ['/plain', '/turning', '/ok'])).mounts, ['/ok']);
    assert.deepEqual(readdirSync(victim), []);
  });
});

test('directories and links are counted as files are; half a copy in a mounted directory is none', async () => {
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const pod = join(base, 'pod');
  const root = join(base, 'here');
  mkdirSync(join(pod, 'deep/a/b/c'), { recursive: true });
  mkdirSync(join(pod, 'links'));
  for (const name of ['a', 'b', 'c', 'd']) symlinkSync('x', join(pod, 'links', name));
  mkdirSync(join(root, 'links'), { recursive: true });
  const stream = serveDirectory(pod);
  const client = openSftpClient(stream);
  const modes = { directory: 0o700, file: 0o400 };
  const copy = async (path: string, files: number): Promise<void> =>
    await copyVolume(client, { bytes: 1000, files }, { path, root, modes });
  for (const path of ['/deep', '/links']) {
    await assert.rejects(copy(path, 3), RangeError);
    await copy(path, 4);
  }
  assert.equal(readdirSync(join(root, 'links')).length, 4);
  assert.ok(existsSync(join(root, 'deep/a/b/c')));
  stream.destroy();
  rmSync(base, { recursive: true });
});

test('a copy is tried twice, and who does not answer is dialled anew', async () => {
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const [pod, directory] = [join(base, 'pod'), join(base, 'here')];
  writeVolume(join(pod, 'app'), { a: 'one' });
  mkdirSync(directory);
  const clock: Clock = {
    ...systemClock,
    sleep: (_ms, aborted) => systemClock.sleep(1, aborted),
    after: (ms, run) => systemClock.after(ms / 20, run),
  };
  let refuse = true;
  const streams: Duplex[] = [];
  const open = async (): Promise<Duplex> => {
    // Every other one says nothing.
    const stream =
      streams.length % 2 === 0
        ? duplexPair()[0]
        : serveDirectory(pod, (request) => {
            if (request.kind !== 'lstat' || !refuse) return undefined;
            refuse = false;
            return { kind: 'status', code: statusCodes.failure, message: '' };
          });
    streams.push(stream);
    return stream;
  };
  const deps = { clock, log: silentLogger, random: () => 0.5, open };
  {
    await using copy = await keepCopied(deps, { directory, volumes: ['/app'], signal });
    assert.deepEqual(copy.leftOut, []);
    assert.equal(refuse, false);
    assert.equal(streams.length, 2);
    streams[1]?.destroy();
    writeVolume(join(pod, 'app'), { a: 'two' });
    await until(() => readFileSync(join(directory, 'app/a'), 'utf8') === 'two');
  }
  assert.ok(streams.every((stream) => stream.destroyed));
  rmSync(base, { recursive: true });
});

test('what a killed process left is removed by the next one, and no file of anybody’s', async () => {
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const kernel = createFakeRemoteMounts();
  const deps = { log: silentLogger, mounts: kernel, stateDir: base };
  const paths = ['mounted', 'copied', 'mine'].map((name) => join(base, name));
  const [mounted = '', copied = '', mine = ''] = paths;
  for (const path of paths)
    mkdirSync(join(path, path === copied ? 'etc' : '.'), { recursive: true });
  writeFileSync(join(mine, 'thing'), '');
  const memory = await openMountMemory(deps);
  await memory.remember({ path: mounted, made: true, parts: [] });
  await memory.remember({ path: copied, made: true, parts: ['etc'] });
  await memory.remember({ path: mine, made: true, parts: [] });
  await openMountMemory(deps);
  assert.deepEqual(paths.map(existsSync), [false, false, true]);
  writeFileSync(join(base, 'mounts.json'), '{"not":');
  await openMountMemory(deps);
  rmSync(base, { recursive: true });
});
