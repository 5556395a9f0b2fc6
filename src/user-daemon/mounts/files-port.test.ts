import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { openSftpClient } from '#protocol/sftp/client.ts';
import {
  beat,
  beatType,
  createFirstLineReader,
  encodeGreeting,
} from '#protocol/sftp/files-port.ts';
import { packetTypes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeInit } from '#protocol/sftp/request.ts';
import { packet } from '#protocol/sftp/wire.ts';
import { serveDirectory } from './file-server.fixture.ts';
import { serveFilesPort } from './files-port.ts';
import type { FilesOf } from './open-files.ts';

const token = '5a'.repeat(32);
const greeting = { token, container: 'app', readOnly: false };

interface Site {
  readonly opened: FilesOf[];
  readonly streams: Duplex[];
  trouble: string | undefined;
  /** Who serves, in place of the directory. */
  server: Duplex | undefined;
  dial(): Promise<Socket>;
}

async function withSite(
  run: (site: Site) => Promise<void>,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'files-port-'));
  writeFileSync(join(base, 'a'), 'hello');
  const opened: FilesOf[] = [];
  const streams: Duplex[] = [];
  const sockets: Socket[] = [];
  {
    await using port = await serveFilesPort(
      {
        log: silentLogger,
        // Nobody has to wait for a greeting that does not come, or half a second for a beat.
        clock: {
          ...systemClock,
          after: (ms, act) => systemClock.after(ms / 2, act),
          every: (ms, act) => systemClock.every(ms / 20, act),
        },
        async openFiles(of) {
          opened.push(of);
          if (site.trouble !== undefined) throw new Error(site.trouble);
          const stream = site.server ?? serveDirectory(base);
          streams.push(stream);
          return stream;
        },
      },
      { address: '127.0.0.1', token, interceptUid: 'uid', readOnly },
    );
    const site: Site = {
      opened,
      streams,
      trouble: undefined,
      server: undefined,
      async dial() {
        const socket = connect({ port: port.port, host: '127.0.0.1' });
        socket.on('error', () => {});
        sockets.push(socket);
        await once(socket, 'connect');
        return socket;
      },
    };
    await run(site);
  }
  // What was served is over with it.
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close');
  for (const stream of streams) {
    const closed = Promise.withResolvers<undefined>();
    stream.once('close', () => closed.resolve(undefined));
    if (!stream.closed) await closed.promise;
  }
  rmSync(base, { recursive: true });
}

/** Reads the line that answers. */
async function answer(socket: Socket): Promise<string> {
  const reader = createFirstLineReader();
  for (;;) {
    const [chunk]: unknown[] = await once(socket, 'data');
    socket.pause();
    const first = Buffer.isBuffer(chunk) ? reader.push(chunk) : undefined;
    if (first === undefined) {
      socket.resume();
      continue;
    }
    // The first beat may have come with it.
    if (first.rest.length > 0) socket.unshift(first.rest);
    return `${first.line}\n`;
  }
}

test('who has the token reads, and hears that somebody is there', async () => {
  await withSite(async (site) => {
    const socket = await site.dial();
    socket.write(encodeGreeting(greeting));
    assert.equal(await answer(socket), 'ok\n');
    const sftp = openSftpClient(socket);
    assert.equal((await sftp.readFile('/a', 100)).toString(), 'hello');
    assert.deepEqual(site.opened, [{ interceptUid: 'uid', container: 'app', readOnly: false }]);
    // Of no kind that SFTP has: whoever speaks to this port leaves them out.
    const quiet = await site.dial();
    quiet.write(encodeGreeting(greeting));
    assert.equal(await answer(quiet), 'ok\n');
    const [heard] = await once(quiet.resume(), 'data');
    assert.ok(Buffer.isBuffer(heard) && heard.subarray(0, beat.length).equals(beat));
    // What the agent ends is over for them.
    site.streams[1]?.destroy();
    await once(quiet, 'close');
  });
});

test('who has not gets one answer, and no agent is asked', async () => {
  await withSite(async (site) => {
    const refused = 'no this port serves only volumes of its own\n';
    for (const bytes of [
      encodeGreeting({ ...greeting, token: '0'.repeat(64) }),
      Buffer.concat([encodeGreeting({ ...greeting, token: `${token.slice(2)}00` }), encodeInit(3)]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      encodeInit(3).fill(0x41),
      Buffer.alloc(100_000, 'x'),
    ]) {
      const socket = await site.dial();
      socket.end(bytes);
      // A reset may overtake the answer to what is too long.
      const said = await text(socket).catch(() => '');
      assert.ok(said === refused || said === '', said);
    }
    const silent = await site.dial();
    silent.resume();
    await once(silent, 'close');
    // A crowd of them does not keep anybody out.
    for (let index = 0; index < 100; index += 1) await site.dial();
    const socket = await site.dial();
    socket.write(encodeGreeting(greeting));
    assert.equal(await answer(socket), 'ok\n');
    assert.equal(site.opened.length, 1);
  });
});

test('a packet that stalls half-way is no silence', async () => {
  await withSite(async (site) => {
    const [server, agent] = duplexPair();
    site.server = server;
    const socket = await site.dial();
    socket.write(encodeGreeting(greeting));
    assert.equal(await answer(socket), 'ok\n');
    const reader = createPacketReader();
    const types: number[] = [];
    socket.on('data', (chunk: Buffer) => types.push(...reader.push(chunk).map(({ type }) => type)));
    socket.resume();
    const reply = packet(packetTypes.data, Buffer.alloc(5000, 'x'));
    agent.write(reply.subarray(0, 3000));
    const late = AbortSignal.timeout(5000);
    while (types.length < 5) await systemClock.sleep(2, late);
    assert.deepEqual([...new Set(types)], [beatType]);
    agent.write(reply.subarray(3000));
    while (!types.includes(packetTypes.data)) await systemClock.sleep(2, late);
    agent.destroy();
  });
});

test('where no agent is there it says why; what is only to be read is, whatever is asked', async () => {
  const options = { readOnly: true };
  await withSite(async (site) => {
    site.trouble = 'no traffic-agent of the workload is connected';
    const first = await site.dial();
    first.write(encodeGreeting(greeting));
    assert.equal(await text(first), `no ${site.trouble}\n`);
    site.trouble = undefined;
    const second = await site.dial();
    second.write(encodeGreeting(greeting));
    assert.equal(await answer(second), 'ok\n');
    assert.ok(site.opened.every(({ readOnly }) => readOnly));
  }, options);
});
