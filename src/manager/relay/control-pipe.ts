import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { PeerSchema } from '#protocol/gen/telepresence_pb.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { frame } from '#tunnel/handshake.ts';
import type { SessionEnd } from '#tunnel/session-life.ts';
import { splice } from '#tunnel/splice.ts';
import type { Member } from './session-sets.ts';

/** Connects to the controller and says whom we have authenticated; everything after is theirs. */
export async function connectController(
  socketPath: string,
  peer: MessageInitShape<typeof PeerSchema>,
  signal: AbortSignal,
): Promise<net.Socket> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw new TunnelError('Unavailable', 'the controller does not answer', { cause: error });
  }
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.write(frame(toBinary(PeerSchema, create(PeerSchema, peer))), (error) => {
      if (error === null || error === undefined) resolve();
      else reject(new TunnelError('Lost', 'the controller hung up', { cause: error }));
    });
  });
  return socket;
}

/** Joins a control connection with the controller, byte for byte. */
export function pipeControl(duplex: Duplex, controller: net.Socket): Member {
  const joined = splice(duplex, controller);
  let open = true;
  // A session ends on both sides at once: what is half-closed would never end.
  const finish = (): void => joined.reset(new TunnelError('Lost', 'control connection ended'));
  duplex.once('end', finish);
  controller.once('end', finish);
  const closed = joined.ended.then((): SessionEnd => {
    open = false;
    return { kind: 'closed' };
  });
  return {
    get isOpen() {
      return open;
    },
    closed,
    destroy: (reason) => joined.reset(reason),
  };
}
