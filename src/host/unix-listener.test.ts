import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { HostError } from './errors.ts';
import { listenOnUnixSocket, type AsOwner } from './unix-listener.ts';

let path = '';
before(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'listener-')), 'socket');
});
after(() => rm(join(path, '..'), { recursive: true }));

const asOwner: AsOwner = (run) => {
  const before = process.umask(0o177);
  try {
    return run();
  } finally {
    process.umask(before);
  }
};
const listen = (server: net.Server): Promise<void> =>
  listenOnUnixSocket({ server, asOwner }, { path, signal: AbortSignal.timeout(2000) });

test('the socket is private, a live one is refused, a stale one replaced', async () => {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', script]);
  assert(existsSync(path), 'the killed process has left its socket');

  const server = net.createServer();
  await listen(server);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await assert.rejects(
    listen(net.createServer()),
    (error) => error instanceof HostError && error.code === 'AddressInUse',
  );
  server.close();
  await once(server, 'close');
});

test('a directory that is missing is an error', async () => {
  await assert.rejects(
    listenOnUnixSocket(
      { server: net.createServer(), asOwner },
      { path: `${path}-missing/socket`, signal: AbortSignal.timeout(2000) },
    ),
    HostError,
  );
});
