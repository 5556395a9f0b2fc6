import type { Duplex } from 'node:stream';
import { toError } from '#base/errors.ts';
import {
  capsuleTypes,
  createCapsuleReader,
  decodeDatagram,
  encodeCapsule,
  encodeDatagram,
} from '#protocol/capsules.ts';
import { TunnelError } from './errors.ts';

/** One end of a flow of datagrams. */
export interface Datagrams {
  /** Sends a datagram, or loses it where too much waits to be sent already. */
  send(payload: Buffer): void;
  /** Tells the other side that nobody receives what it sends. */
  sendUnreachable(): void;
  /** Ends the flow. */
  close(): void;
  /** Resolves when the flow is over, by whichever side. */
  readonly closed: Promise<void>;
}

/** What the other end of the flow brings. */
export interface DatagramEvents {
  readonly onDatagram: (payload: Buffer) => void;
  readonly onUnreachable?: () => void;
}

/** Where more than this waits the next datagram is lost, as in any full queue on the way. */
const mostUnsent = 256 * 1024;

/** Speaks capsules on the stream of a flow. A stream that is not made of them is reset. */
export function carryDatagrams(stream: Duplex, events: DatagramEvents): Datagrams {
  const reader = createCapsuleReader();
  const closed = Promise.withResolvers<void>();
  stream.on('error', () => {});
  stream.once('close', () => closed.resolve());
  if (stream.destroyed) closed.resolve();
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const capsule of reader.push(chunk)) {
        const payload = decodeDatagram(capsule);
        if (payload !== undefined) events.onDatagram(payload);
        else if (capsule.type === capsuleTypes.unreachable) events.onUnreachable?.();
      }
    } catch (error) {
      stream.destroy(toError(error));
    }
  });
  stream.once('end', () => stream.end());
  const write = (bytes: Buffer): void => {
    if (stream.writable && stream.writableLength < mostUnsent) stream.write(bytes);
  };
  return {
    send: (payload) => write(encodeDatagram(payload)),
    sendUnreachable: () => write(encodeCapsule(capsuleTypes.unreachable)),
    // Nothing that is still on its way is worth waiting for.
    close: () => void stream.destroy(new TunnelError('Reset', 'flow of datagrams ended')),
    closed: closed.promise,
  };
}
