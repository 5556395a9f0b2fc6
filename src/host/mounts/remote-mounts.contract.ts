import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { packetTypes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion } from '#protocol/sftp/reply.ts';
import { readRequest } from '#protocol/sftp/request.ts';
import type { RemoteMounts } from './remote-mounts.ts';

/** An SFTP server that has one empty directory; the end of it that a mount gets. */
export function emptyDirectory(): { readonly stream: Duplex; end(): void } {
  const [stream, server] = duplexPair();
  const packets = createPacketReader();
  server.on('error', () => {});
  server.on('data', (chunk: Buffer) => {
    for (const packet of packets.push(chunk)) {
      if (packet.type === packetTypes.init) {
        server.write(encodeVersion());
        continue;
      }
      const { id } = readRequest(packet);
      const attributes = { mode: 0o040_755, size: 0, times: { accessed: 0, modified: 0 } };
      server.write(encodeReply(id, { kind: 'attributes', attributes }));
    }
  });
  return { stream, end: () => void server.end() };
}

/** What the kernel's mounts and the fake have in common. */
export async function holdRemoteMountsContract(mounts: RemoteMounts): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'mounts-'));
  const mountPoint = join(base, 'with a blank');
  mkdirSync(mountPoint);
  const { signal } = new AbortController();
  const wish = { mountPoint, readOnly: false, signal } as const;
  try {
    assert.equal(await mounts.whyNot(), undefined);
    assert.equal(await mounts.isMounted(mountPoint), false);
    // What is not mounted is released.
    await mounts.release(mountPoint);

    const server = emptyDirectory();
    const first = await mounts.mount({ ...wish, stream: server.stream });
    assert.equal(await mounts.isMounted(mountPoint), true);
    server.end();
    assert.notEqual(await first.ended, '');
    assert.equal(await mounts.isMounted(mountPoint), false);

    const { stream } = emptyDirectory();
    const second = await mounts.mount({ ...wish, stream });
    assert.equal(await mounts.isMounted(mountPoint), true);
    await second[Symbol.asyncDispose]();
    assert.equal(await mounts.isMounted(mountPoint), false);
    assert.equal(stream.destroyed, true);
    await second[Symbol.asyncDispose]();

    await mounts.mount({ ...wish, stream: emptyDirectory().stream });
    await mounts.release(mountPoint);
    assert.equal(await mounts.isMounted(mountPoint), false);

    const given = new AbortController();
    given.abort(new Error('given up'));
    await assert.rejects(
      mounts.mount({ ...wish, stream: emptyDirectory().stream, signal: given.signal }),
      { message: 'given up' },
    );
    assert.equal(await mounts.isMounted(mountPoint), false);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
