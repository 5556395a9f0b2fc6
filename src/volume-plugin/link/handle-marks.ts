import { extensions, packetTypes } from '#protocol/sftp/numbers.ts';
import type { SftpPacket } from '#protocol/sftp/packets.ts';
import { packet, readWire, string, uint32 } from '#protocol/sftp/wire.ts';

/**
 * A server counts its handles from the start on each connection: one of a connection that is gone would
 * be another file's on the next. So those that clients get are marked with the connection's number.
 */
export type Marked =
  /** Nothing in it is of a connection. */
  | { readonly kind: 'plain'; readonly body: Buffer }
  /** Its handle is of the connection that there is; in `body` it is the server's own. */
  | { readonly kind: 'handle'; readonly body: Buffer; readonly handle: string }
  /** Its handle is of a connection that is gone. */
  | { readonly kind: 'past' }
  /** Nobody knows whether there is a handle in it. */
  | { readonly kind: 'unknown' };

const withHandle = new Set<number>([
  packetTypes.close,
  packetTypes.read,
  packetTypes.write,
  packetTypes.fstat,
  packetTypes.fsetstat,
  packetTypes.readdir,
]);
const extendedWithHandle = new Set<string>([extensions.fsync[0], extensions.fstatvfs[0]]);
const extendedPlain = new Set<string>([
  extensions.posixRename[0],
  extensions.hardlink[0],
  extensions.statvfs[0],
]);

/** The server's handle of a HANDLE packet, and the same marked. */
export function withMark(
  body: Buffer,
  time: number,
): { readonly handle: string; readonly marked: string } {
  const wire = readWire(body);
  wire.uint32();
  const handle = wire.string();
  return { handle, marked: `${String(time)}:${handle}` };
}

/** A client's request as the server of connection number `time` may have it. */
export function ofThisTime({ type, body }: SftpPacket, time: number): Marked {
  const wire = readWire(body);
  wire.uint32();
  if (type === packetTypes.extended) {
    const name = wire.string();
    if (extendedPlain.has(name)) return { kind: 'plain', body };
    if (!extendedWithHandle.has(name)) return { kind: 'unknown' };
  } else if (!withHandle.has(type)) return { kind: 'plain', body };
  const at = body.length - wire.rest;
  const marked = wire.string();
  const mark = `${String(time)}:`;
  if (!marked.startsWith(mark)) return { kind: 'past' };
  const handle = marked.slice(mark.length);
  const behind = body.subarray(body.length - wire.rest);
  return {
    kind: 'handle',
    handle,
    body: Buffer.concat([body.subarray(0, at), string(handle), behind]),
  };
}

/** The packet with another number. */
export function withId({ type, body }: SftpPacket, id: number): Buffer {
  return packet(type, uint32(id), body.subarray(4));
}
