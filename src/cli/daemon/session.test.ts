import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordingContext } from '../testing.fixture.ts';
import { callWithin } from './session.ts';
import { createUserDaemonClient } from './user-daemon-client.ts';

test('a daemon that is stopped is told from one that takes its time, and from Ctrl-C', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tp-'));
  const path = join(directory, 'api.sock');
  // As the kernel does for a process that does not run: it is connected, and nothing comes.
  const stopped = createServer((socket) => void socket.on('error', () => {})).listen(path);
  await once(stopped, 'listening');
  try {
    const { context } = recordingContext();
    const daemon = createUserDaemonClient(path);
    const status = async (signal: AbortSignal) => await daemon.status({}, { signal });
    await assert.rejects(callWithin(context, 50, status), {
      code: 'Daemon',
      message: 'the user daemon does not answer (waited 0 s)',
    });
    const ended = { ...context, signal: AbortSignal.timeout(50) };
    await assert.rejects(callWithin(ended, 60_000, status), { code: 'Interrupted' });
  } finally {
    stopped.close();
    await rm(directory, { recursive: true });
  }
});
