import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openLibc } from './libc.ts';
import { createReadPeerCredentials } from './peer-credentials.ts';

test('both ends of a unix socket learn who the other is', async () => {
  const read = createReadPeerCredentials({ libc: openLibc() });
  const directory = await mkdtemp(join(tmpdir(), 'peer-'));
  const server = net.createServer().listen(join(directory, 'socket'));
  await once(server, 'listening');
  const client = net.connect(join(directory, 'socket'));
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  assert(accepted instanceof net.Socket);
  const self = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
  assert.deepEqual(read(accepted), self);
  assert.deepEqual(read(client), self);
  client.destroy();
  accepted.destroy();
  server.close();
  await once(server, 'close');
  assert.equal(read(accepted), undefined);
  await rm(directory, { recursive: true });
});
