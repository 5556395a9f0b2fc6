import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { test } from 'node:test';
import { openSftpClient, type SftpClient } from '#protocol/sftp/client.ts';
import { openFlags, statusCodes } from '#protocol/sftp/numbers.ts';
import { encodeInit, encodeRequest } from '#protocol/sftp/request.ts';
import { serveFiles } from './serve-files.ts';
import { openTree } from './tree.ts';
import { createTurns } from './turns.ts';

interface Site extends AsyncDisposable {
  readonly outside: string;
  readonly root: string;
  readonly client: SftpClient;
  readonly stream: Duplex;
  readonly served: Promise<void>;
}

async function startSite(readOnly = false): Promise<Site> {
  const outside = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(outside, 'secret'), 'secret');
  const root = join(outside, 'root');
  mkdirSync(join(root, 'data/sub'), { recursive: true });
  writeFileSync(join(root, 'data/file'), 'hello');
  const tree = await openTree(root);
  const [stream, theirs] = duplexPair();
  stream.on('error', () => {});
  theirs.on('error', () => {});
  const served = serveFiles({ turns: createTurns(2) }, theirs, { tree, readOnly });
  served.catch(() => {});
  const client = openSftpClient(stream);
  return {
    outside,
    root,
    client,
    stream,
    served,
    async [Symbol.asyncDispose]() {
      stream.end();
      await served.catch(() => {});
      await tree[Symbol.asyncDispose]();
      rmSync(outside, { recursive: true, force: true });
    },
  };
}

async function codeOf(
  client: SftpClient,
  request: Parameters<SftpClient['ask']>[0],
): Promise<number> {
  const reply = await client.ask(request);
  return reply.kind === 'status' ? reply.code : -1;
}

const opened = (path: string, flags: number) =>
  ({ kind: 'open', path, flags, attributes: { mode: 0o644 } }) as const;

async function handleOf(client: SftpClient, path: string, flags: number): Promise<string> {
  const reply = await client.ask(opened(path, flags));
  assert.ok(reply.kind === 'handle', JSON.stringify(reply));
  return reply.handle;
}

test('reads, writes, lists, renames, links, times, truncation, use', async () => {
  await using site = await startSite();
  const { client, root } = site;
  assert.equal((await client.readFile('/data/file', 100)).toString(), 'hello');
  const { create, write, read } = openFlags;
  const handle = await handleOf(client, '/data/new', create | write | read);
  const data = Buffer.from('0123456789');
  assert.equal(await codeOf(client, { kind: 'write', handle, offset: 0, data }), 0);
  assert.equal(await codeOf(client, { kind: 'fsync', handle }), 0);
  assert.equal(await codeOf(client, { kind: 'fsetstat', handle, attributes: { size: 4 } }), 0);
  const times = { accessed: 1, modified: 1_700_000_000 };
  const attributes = { mode: 0o600, times };
  assert.equal(await codeOf(client, { kind: 'setstat', path: '/data/new', attributes }), 0);
  const stats = await client.lstat('/data/new');
  assert.equal(stats.size, 4);
  assert.deepEqual(stats.times, times);
  assert.equal((stats.mode ?? 0) & 0o7777, 0o600);
  assert.deepEqual(await client.ask({ kind: 'fstat', handle }), {
    kind: 'attributes',
    attributes: stats,
  });
  assert.equal(await codeOf(client, { kind: 'close', handle }), 0);
  assert.equal(await codeOf(client, { kind: 'close', handle }), statusCodes.failure);
  const rename = { from: '/data/new', to: '/data/file' };
  assert.equal(await codeOf(client, { kind: 'rename', ...rename }), statusCodes.failure);
  assert.equal(await codeOf(client, { kind: 'posixRename', ...rename }), 0);
  assert.equal(readFileSync(join(root, 'data/file'), 'utf8'), '0123');
  assert.equal(await codeOf(client, { kind: 'hardlink', from: '/data/file', to: '/data/two' }), 0);
  assert.equal(await codeOf(client, { kind: 'symlink', target: 'file', path: '/data/link' }), 0);
  assert.equal(await client.readLink('/data/link'), 'file');
  assert.equal(await codeOf(client, { kind: 'mkdir', path: '/data/dir', attributes: {} }), 0);
  assert.equal(await codeOf(client, { kind: 'rmdir', path: '/data/dir' }), 0);
  assert.equal(await codeOf(client, { kind: 'remove', path: '/data/two' }), 0);
  const names = (await client.list('/data')).map(({ name }) => name);
  assert.deepEqual(names.toSorted(), ['file', 'link', 'sub']);
  assert.equal((await client.ask({ kind: 'statvfs', path: '/' })).kind, 'use');
  assert.equal(await codeOf(client, opened('/data/none', read)), statusCodes.noSuchFile);
});

test('a long directory, a long file, and names that are no text', async () => {
  await using site = await startSite();
  const { client, root } = site;
  for (let index = 0; index < 500; index += 1)
    writeFileSync(join(root, 'data/sub', `n${index}`), '');
  assert.equal((await client.list('/data/sub')).length, 500);
  const bytes = Buffer.alloc(3_000_000, 'abcdefg');
  writeFileSync(join(root, 'data/long'), bytes);
  const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
  assert.equal(hash(await client.readFile('/data/long', 4e6)), hash(bytes));
  await assert.rejects(client.readFile('/data/long', 1e6), RangeError);
  const odd = Buffer.concat([Buffer.from(join(root, 'data/')), Buffer.of(0xff, 0xfe)]);
  writeFileSync(odd, 'odd');
  const found = (await client.list('/data')).find(({ name }) => name.charCodeAt(0) === 0xff);
  assert.equal((await client.readFile(`/data/${found?.name ?? ''}`, 10)).toString(), 'odd');
});

test('nothing leads out: dots, links absolute and relative, chains, loops', async () => {
  await using site = await startSite();
  const { client, root, outside } = site;
  symlinkSync(join(outside, 'secret'), join(root, 'data/absolute'));
  symlinkSync('../../secret', join(root, 'data/relative'));
  symlinkSync('..', join(root, 'up'));
  symlinkSync('../../../../../..', join(root, 'data/top'));
  symlinkSync('loop', join(root, 'loop'));
  symlinkSync('/data', join(root, 'inside'));
  const out = [
    '../secret',
    '/../secret',
    '/data/../../secret',
    '/data/absolute',
    '/data/relative',
    '/up/secret',
    `/data/top${outside}/secret`,
    `${outside}/secret`,
    '/proc/self/environ',
    '/loop',
    '/data/fi\0le',
    `/${'a/'.repeat(3000)}`,
    `/${'data/../'.repeat(400)}secret`,
  ];
  for (const path of out) {
    for (const kind of ['stat', 'opendir', 'statvfs'] as const) {
      assert.ok((await codeOf(client, { kind, path })) > 0, `${kind} ${path.slice(0, 50)}`);
    }
    assert.ok((await codeOf(client, opened(path, openFlags.read))) > 0, path.slice(0, 50));
    const { write, create, truncate } = openFlags;
    await client.ask(opened(path, write | create | truncate));
    await client.ask({ kind: 'remove', path });
    await client.ask({ kind: 'setstat', path, attributes: { mode: 0 } });
    await client.ask({ kind: 'posixRename', from: '/data/file', to: path });
    await client.ask({ kind: 'posixRename', from: path, to: '/data/file' });
    await client.ask({ kind: 'hardlink', from: path, to: '/data/stolen' });
  }
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.deepEqual(readdirSync(outside).toSorted(), ['root', 'secret']);
  // In a container the link's target is the container's own.
  symlinkSync('/data', join(root, 'inside2'));
  writeFileSync(join(root, 'data/again'), 'again');
  assert.equal((await client.readFile('/inside2/again', 10)).toString(), 'again');
  assert.equal((await client.readFile('/data/../../../data/again', 10)).toString(), 'again');
});

test('a link that is swapped in while it is looked at leads nowhere else', async () => {
  await using site = await startSite();
  const { client, root, outside } = site;
  mkdirSync(join(root, 'flip'));
  writeFileSync(join(root, 'flip/secret'), 'mine');
  symlinkSync(outside, join(root, 'out'));
  const over = new AbortController();
  const flipping = (async () => {
    while (!over.signal.aborted) {
      renameSync(join(root, 'flip'), join(root, 'aside'));
      renameSync(join(root, 'out'), join(root, 'flip'));
      await new Promise(setImmediate);
      renameSync(join(root, 'flip'), join(root, 'out'));
      renameSync(join(root, 'aside'), join(root, 'flip'));
      await new Promise(setImmediate);
    }
  })();
  let mine = 0;
  for (let round = 0; round < 400; round += 1) {
    const read = await client.readFile('/flip/secret', 10).catch(() => Buffer.from(''));
    assert.ok(['', 'mine'].includes(read.toString()), read.toString());
    if (read.length > 0) mine += 1;
  }
  over.abort();
  await flipping;
  assert.ok(mine > 0);
});

test('what a laptop is told of links cannot lead its own kernel out', async () => {
  await using site = await startSite();
  const { client, root } = site;
  const links = {
    '..data': '..2026_11',
    absolute: '/etc/passwd',
    out: '../../../etc/passwd',
    through: 'b/b/b/../../../../../etc/passwd',
    up: '..',
    root: '/',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, 'data', name));
  const told = Object.keys(links).map(async (name) => [
    name,
    await client.readLink(`/data/${name}`),
  ]);
  assert.deepEqual(Object.fromEntries(await Promise.all(told)), {
    '..data': '..2026_11',
    absolute: '../etc/passwd',
    out: '../etc/passwd',
    through: '../etc/passwd',
    up: '..',
    root: '..',
  });
});

test('read-only: everything that writes is refused, and reading works', async () => {
  await using site = await startSite(true);
  const { client, root } = site;
  const attributes = { mode: 0 };
  const { write, append, create, truncate, read } = openFlags;
  const refused = statusCodes.permissionDenied;
  for (const flags of [write, append, create | read, truncate | read]) {
    assert.equal(await codeOf(client, opened('/data/file', flags)), refused);
  }
  const handle = await handleOf(client, '/data/file', read);
  const changes: Parameters<SftpClient['ask']>[0][] = [
    { kind: 'write', handle, offset: 0, data: Buffer.from('x') },
    { kind: 'setstat', path: '/data/file', attributes },
    { kind: 'fsetstat', handle, attributes },
    { kind: 'mkdir', path: '/data/x', attributes },
    { kind: 'remove', path: '/data/file' },
    { kind: 'rmdir', path: '/data/sub' },
    { kind: 'rename', from: '/data/file', to: '/data/x' },
    { kind: 'posixRename', from: '/data/file', to: '/data/x' },
    { kind: 'hardlink', from: '/data/file', to: '/data/x' },
    { kind: 'symlink', target: 'file', path: '/data/x' },
  ];
  for (const request of changes) assert.equal(await codeOf(client, request), refused, request.kind);
  assert.deepEqual(readdirSync(join(root, 'data')).toSorted(), ['file', 'sub']);
  assert.equal((await client.readFile('/data/file', 10)).toString(), 'hello');
});

test('handles: bad ones, of the other kind, and too many', async () => {
  await using site = await startSite();
  const { client } = site;
  for (const handle of ['', '0', '99', 'x'.repeat(5000)]) {
    assert.equal(
      await codeOf(client, { kind: 'read', handle, offset: 0, length: 1 }),
      statusCodes.failure,
    );
    assert.equal(await codeOf(client, { kind: 'readdir', handle }), statusCodes.failure);
  }
  const all = await Promise.all(
    Array.from(
      { length: 3000 },
      async () => await client.ask(opened('/data/file', openFlags.read)),
    ),
  );
  const handles = all.flatMap((reply) => (reply.kind === 'handle' ? [reply.handle] : []));
  assert.equal(handles.length, 512);
  assert.ok(readdirSync('/proc/self/fd').length < 700);
  const [first = ''] = handles;
  assert.equal(await codeOf(client, { kind: 'readdir', handle: first }), statusCodes.failure);
  assert.equal(await codeOf(client, { kind: 'close', handle: first }), 0);
  await handleOf(client, '/data/file', openFlags.read);
});

test('a device, a pipe, a directory are not opened as files', async () => {
  await using site = await startSite();
  const { client, root } = site;
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [join(root, 'data/pipe')]);
  for (const path of ['/data/pipe', '/data/sub', '/']) {
    for (const flags of [openFlags.read, openFlags.write]) {
      assert.ok((await codeOf(client, opened(path, flags))) > 0, path);
    }
  }
});

test('what the agent’s own user may not read is refused, by a second name of it too', async () => {
  await using site = await startSite();
  const { client, root } = site;
  chmodSync(site.outside, 0o755);
  chmodSync(join(root, 'data/file'), 0o600);
  linkSync(join(root, 'data/file'), join(root, 'data/other'));
  const own = process.geteuid?.() ?? 0;
  if (own === 0) process.seteuid?.(65_534);
  else chmodSync(join(root, 'data/file'), 0);
  try {
    for (const path of ['/data/file', '/data/other']) {
      assert.equal(
        await codeOf(client, opened(path, openFlags.read)),
        statusCodes.permissionDenied,
      );
    }
  } finally {
    if (own === 0) process.seteuid?.(own);
  }
});

test('a packet that nobody means ends the stream, and what was open is closed', async () => {
  await using site = await startSite();
  await handleOf(site.client, '/data/file', openFlags.read);
  const before = readdirSync('/proc/self/fd').length;
  site.stream.write(Buffer.from('7fffffff05', 'hex'));
  await assert.rejects(site.served, RangeError);
  assert.ok(readdirSync('/proc/self/fd').length < before);
});

test('who asks and does not read waits: nothing piles up', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(outside, 'long'), Buffer.alloc(1_000_000));
  await using tree = await openTree(outside);
  const [stream, theirs] = duplexPair();
  theirs.on('error', () => {});
  const served = serveFiles({ turns: createTurns(2) }, theirs, { tree, readOnly: true });
  served.catch(() => {});
  stream.write(encodeInit(3));
  stream.write(encodeRequest(1, opened('/long', openFlags.read)));
  const read = { kind: 'read', handle: '1', offset: 0, length: 262_144 } as const;
  for (let index = 0; index < 1000; index += 1) stream.write(encodeRequest(index, read));
  while (!theirs.writableNeedDrain) await new Promise(setImmediate);
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  assert.ok(theirs.writableLength < 600_000, String(theirs.writableLength));
  stream.destroy();
  theirs.destroy();
  await assert.rejects(served);
  rmSync(outside, { recursive: true });
});
