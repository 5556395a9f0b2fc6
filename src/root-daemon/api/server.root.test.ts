import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { before, test } from 'node:test';

import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

import { version } from '#base/version.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { RootDaemon } from '#protocol/gen/telepresence_pb.ts';

import { startDaemon } from '../testing.fixture.ts';

before(() => enterOwnNetworkNamespace());

const nobody = 65534;

test('HTTP/1.1 and HTTP/2 are answered on one socket', async () => {
  await using daemon = await startDaemon();
  const old = createClient(
    RootDaemon,
    createConnectTransport({
      httpVersion: '1.1',
      baseUrl: 'http://root-daemon',
      nodeOptions: { socketPath: daemon.socketPath },
    }),
  );
  for (const client of [old, daemon.client, old]) {
    assert.equal((await client.version({})).version, version);
    assert.equal((await client.status({})).running, true);
  }
});

test('the socket is its owner’s; anybody else is told whose it is', async () => {
  await using daemon = await startDaemon(0);
  const { mode, uid } = await stat(daemon.socketPath);
  assert.deepEqual([mode & 0o777, uid], [0o600, 0]);
  // Even where the file's mode lets everybody in.
  await chmod(daemon.directory, 0o755);
  await chmod(daemon.socketPath, 0o666);
  const script = `
    process.setgid(${nobody}); process.setuid(${nobody});
    const { clientOf } = await import(${JSON.stringify(import.meta.resolve('../testing.fixture.ts'))});
    await clientOf(${JSON.stringify(daemon.socketPath)}).version({})
      .catch((error) => console.log(error.message));
    process.exit();`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString();
  assert.equal(said.trim(), "[permission_denied] this machine's root daemon belongs to root");
});

test("the socket of a user's daemon is made with that user's rights", async () => {
  // In a directory that is root's alone nobody cannot make one, although the daemon is root's.
  await assert.rejects(startDaemon(nobody), /cannot listen/);
});
