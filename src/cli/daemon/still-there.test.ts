import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { DaemonCallError } from './answer-error.ts';
import { watchDaemon } from './still-there.ts';

/** A clock whose time is passed by the test. */
function ticking() {
  let run = (): void => {};
  return {
    tick: () => run(),
    clock: {
      every: (_ms: number, given: () => void): Disposable => {
        run = given;
        return { [Symbol.dispose]: () => {} };
      },
    },
  };
}

async function listening(server: Server): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'tp-'));
  const path = join(directory, 'api.sock');
  await once(server.listen(path), 'listening');
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.close();
      await rm(directory, { recursive: true });
    },
  };
}

test('a daemon that is stopped is noticed after five seconds, and what to do is said', async () => {
  // As the kernel does for a process that does not run: it is connected, and nothing comes.
  const server = createServer((socket) => void socket.on('error', () => {}));
  await using socket = await listening(server);
  const { clock, tick } = ticking();
  for (const name of ['user', 'root'] as const) {
    using watch = watchDaemon({ path: socket.path, name }, { clock });
    for (let looks = 0; looks < 9; looks += 1) tick();
    assert.equal(watch.signal.aborted, false);
    tick();
    const reason: unknown = watch.signal.reason;
    assert.ok(reason instanceof DaemonCallError);
    assert.equal(reason.code, 'Silent');
    assert.equal(reason.message, `the ${name} daemon does not answer (waited 5 s)`);
    assert.ok(reason.hint?.includes(socket.path));
  }
});

test('one that lives may take its time', async () => {
  const asked: number[] = [];
  const server = createHttpServer((_request, response) => {
    asked.push(asked.length);
    response.writeHead(404).end();
  });
  await using socket = await listening(server);
  const { clock, tick } = ticking();
  using watch = watchDaemon({ path: socket.path, name: 'user' }, { clock });
  while (asked.length < 30) {
    tick();
    assert.equal(watch.signal.aborted, false);
    // Its answer is a matter of some turns of this loop, in which both of them live.
    for (let turns = 0; turns < 20; turns += 1) await setImmediate();
  }
});
