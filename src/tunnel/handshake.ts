import type { Duplex } from 'node:stream';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { toError } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import { TunnelError } from './errors.ts';

/** Tokens are the longest thing said; some issuers write 4 KiB. */
export const maxFrameBytes = 16 * 1024;

/** A fresh connection on which nothing but handshake messages is said. */
export interface Frames {
  /** Sends a message; resolves once it has been flushed. */
  write<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Promise<void>;
  /** Waits for one message. Bytes after it stay in the connection, for whoever comes next. */
  read<Desc extends DescMessage>(schema: Desc): Promise<MessageShape<Desc>>;
}

interface HandshakeOptions {
  readonly ms: number;
  /** What the deadline's error says was waited for. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a handshake of frames (2-byte length, big-endian, then a protobuf message). When it resolves
 * the connection is ready for HTTP/2; when it rejects, the connection is being closed.
 */
export async function withHandshake<T>(
  deps: { readonly clock: Pick<Clock, 'after'> },
  duplex: Duplex,
  options: HandshakeOptions,
  work: (frames: Frames) => Promise<T>,
): Promise<T> {
  using reader = readBytes(duplex);
  try {
    return await withDeadline(deps, options, () =>
      work({
        write: (schema, message) => writeFrame(duplex, toBinary(schema, create(schema, message))),
        read: async (schema) => parse(schema, await readFrame(reader)),
      }),
    );
  } catch (error) {
    // A verdict may be on its way: end first, and do not wait long for the other side.
    duplex.end();
    deps.clock.after(1000, () => duplex.destroy());
    throw error;
  }
}

/** The bytes of a frame, as they go over the wire. */
export function frame(body: Uint8Array): Uint8Array {
  if (body.length > maxFrameBytes) throw new TunnelError('Malformed', 'handshake: frame too long');
  const bytes = Buffer.allocUnsafe(2 + body.length);
  bytes.writeUInt16BE(body.length);
  bytes.set(body, 2);
  return bytes;
}

function writeFrame(duplex: Duplex, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // HTTP/2 may take the connection only when nothing is being written.
    duplex.write(frame(body), (error) => {
      if (error === null || error === undefined) resolve();
      else reject(new TunnelError('Lost', 'handshake: connection lost', { cause: error }));
    });
  });
}

async function readFrame(reader: Reader): Promise<Uint8Array> {
  const length = (await reader.exactly(2)).readUInt16BE();
  if (length > maxFrameBytes) throw new TunnelError('Malformed', 'handshake: frame too long');
  return length === 0 ? new Uint8Array() : reader.exactly(length);
}

function parse<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new TunnelError('Malformed', `handshake: not a ${schema.name}`, { cause: error });
  }
}

interface Reader extends Disposable {
  /** The next `length` bytes, once they are there. */
  exactly(length: number): Promise<Buffer>;
}

/** Reads a paused stream by the piece, so that what was not asked for stays in it. */
function readBytes(duplex: Duplex): Reader {
  let failure: TunnelError | undefined;
  let wake = (): void => {};
  const onReadable = (): void => wake();
  const fail = (cause?: unknown): void => {
    failure ??= new TunnelError('Lost', 'handshake: the other side hung up', {
      cause: cause === undefined ? undefined : toError(cause),
    });
    wake();
  };
  const onEnd = (): void => fail();
  duplex.on('readable', onReadable);
  duplex.on('end', onEnd);
  duplex.on('close', onEnd);
  // It stays: an error that arrives later belongs to whoever has the connection then.
  duplex.on('error', fail);
  return {
    async exactly(length) {
      for (;;) {
        const bytes: unknown = duplex.read(length);
        // A stream that has ended gives what is left, however little.
        if (Buffer.isBuffer(bytes) && bytes.length === length) return bytes;
        if (Buffer.isBuffer(bytes)) fail();
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]() {
      duplex.off('readable', onReadable);
      duplex.off('end', onEnd);
      duplex.off('close', onEnd);
    },
  };
}
