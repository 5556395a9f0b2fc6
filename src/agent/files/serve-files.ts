import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { packetTypes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion } from '#protocol/sftp/reply.ts';
import { readRequest } from '#protocol/sftp/request.ts';
import { answer } from './answer.ts';
import { troubleReply } from './file-trouble.ts';
import { createHandles } from './handles.ts';
import type { Tree } from './tree.ts';
import type { Turns } from './turns.ts';

/** sshfs holds one for each file that a program has open. */
const mostHandles = 512;

/**
 * Speaks SFTP on `stream` until its other end is through. One request is answered after the other,
 * and none is read while an answer waits to be sent: a client that asks and does not read waits.
 * Rejects where the stream breaks or what it brings is no SFTP.
 */
export async function serveFiles(
  deps: { readonly turns: Turns },
  stream: Duplex,
  options: { readonly tree: Tree; readonly readOnly: boolean },
): Promise<void> {
  await using handles = createHandles(mostHandles);
  const served = { ...options, handles };
  const reader = createPacketReader();
  const send = async (bytes: Buffer): Promise<void> => {
    if (!stream.write(bytes) && !stream.destroyed) await writable(stream);
  };
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('not bytes');
    for (const packet of reader.push(chunk)) {
      if (packet.type === packetTypes.init) {
        await send(encodeVersion());
        continue;
      }
      const { id, request } = readRequest(packet);
      const reply = await deps.turns
        .take(async () => await answer(served, request))
        .catch(troubleReply);
      await send(encodeReply(id, reply));
    }
  }
  stream.end();
}

/** Resolves when more may be written, rejects when nothing ever will. */
async function writable(stream: Duplex): Promise<void> {
  const closed = new AbortController();
  const onClose = (): void => closed.abort(new Error('closed'));
  stream.once('close', onClose);
  try {
    await once(stream, 'drain', { signal: closed.signal });
  } finally {
    stream.off('close', onClose);
  }
}
