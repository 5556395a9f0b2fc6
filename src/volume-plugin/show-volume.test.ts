import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createFakeRemoteMounts } from '#host/mounts/remote-mounts.fake.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import { packetTypes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion } from '#protocol/sftp/reply.ts';
import { readRequest } from '#protocol/sftp/request.ts';
import { showVolume } from './show-volume.ts';
import { parseVolumeOptions } from './volume-options.ts';

/** A link whose other end says that all is a directory, or nothing. */
function fakeLinks({ silent = false } = {}) {
  const streams: Duplex[] = [];
  const state = { streams, held: 0 };
  const join = (): Duplex => {
    const [ours, theirs] = duplexPair();
    const reader = createPacketReader();
    theirs.on('data', (chunk: Buffer) => {
      for (const packet of reader.push(chunk)) {
        if (silent) continue;
        if (packet.type === packetTypes.init) theirs.write(encodeVersion());
        else {
          const attributes = { mode: 0o040_755 };
          theirs.write(encodeReply(readRequest(packet).id, { kind: 'attributes', attributes }));
        }
      }
    });
    streams.push(ours);
    return ours;
  };
  const link = { ready: async () => {}, join, [Symbol.dispose]: () => {} };
  const hold = () => {
    state.held += 1;
    return { link, [Symbol.dispose]: () => void (state.held -= 1) };
  };
  return { state, links: { hold } };
}

async function fails(
  { links, state }: ReturnType<typeof fakeLinks>,
  mounts: RemoteMounts,
): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'show-'));
  const clock = { after: (_ms: number, run: () => void) => systemClock.after(20, run) };
  const deps = { clock, links, mounts, bindFile: async () => {}, privateDirectory: base };
  const given = { container: 'app', port: '1', token: '0f'.repeat(32), dir: '/data' };
  const wanted = { options: parseVolumeOptions(given), mountPoint: join(base, 'app-0') };
  await assert.rejects(showVolume(deps, wanted), { code: 'DeadlineExceeded' });
  assert.equal(state.held, 0);
  assert.ok(state.streams.every((stream) => stream.destroyed));
  assert.deepEqual(readdirSync(base), []);
  rmSync(base, { recursive: true });
}

test('who does not answer in time is asked no more', async () => {
  await fails(fakeLinks({ silent: true }), createFakeRemoteMounts());
});

test('a mount that comes after the time is over is gone before anything else is tried', async () => {
  const fake = createFakeRemoteMounts();
  const slow: RemoteMounts = {
    ...fake,
    async mount(wish) {
      await systemClock.sleep(100, new AbortController().signal);
      return await fake.mount({ ...wish, signal: new AbortController().signal });
    },
  };
  await fails(fakeLinks(), slow);
  assert.deepEqual([...fake.mounted], []);
});
