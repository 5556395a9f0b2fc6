import { encodeAttributes, readAttributes, type FileAttributes } from './attributes.ts';
import { extensions, packetTypes } from './numbers.ts';
import type { SftpPacket } from './packets.ts';
import { lengthAndBytes, packet, readWire, string, uint32, uint64 } from './wire.ts';

/** One member of the union for each kind, so that a switch tells them apart. */
type Each<Kind extends string, Rest> = Kind extends string ? { readonly kind: Kind } & Rest : never;
type PathOnly =
  | 'lstat'
  | 'stat'
  | 'opendir'
  | 'remove'
  | 'rmdir'
  | 'realpath'
  | 'readlink'
  | 'statvfs';
type HandleOnly = 'close' | 'fstat' | 'readdir' | 'fstatvfs' | 'fsync';

/** What a client wants. `posixRename` takes the place of what is there; `rename` does not. */
export type SftpRequest =
  | Each<
      'open',
      { readonly path: string; readonly flags: number; readonly attributes: FileAttributes }
    >
  | Each<'read', { readonly handle: string; readonly offset: number; readonly length: number }>
  | Each<'write', { readonly handle: string; readonly offset: number; readonly data: Buffer }>
  | Each<HandleOnly, { readonly handle: string }>
  | Each<PathOnly, { readonly path: string }>
  | Each<'setstat' | 'mkdir', { readonly path: string; readonly attributes: FileAttributes }>
  | Each<'fsetstat', { readonly handle: string; readonly attributes: FileAttributes }>
  | Each<'rename' | 'posixRename' | 'hardlink', { readonly from: string; readonly to: string }>
  | Each<'symlink', { readonly target: string; readonly path: string }>
  /** Read as far as its id. */
  | Each<'unknown', { readonly what: string }>;

/** A request and the number by which its reply is known. */
export interface NumberedRequest {
  readonly id: number;
  readonly request: SftpRequest;
}

/** Reads any packet but INIT; throws a RangeError for one that is cut. */
export function readRequest({ type, body }: SftpPacket): NumberedRequest {
  const wire = readWire(body);
  const id = wire.uint32();
  const pathOnly = (kind: PathOnly): SftpRequest => ({ kind, path: wire.string() });
  const request = (): SftpRequest => {
    switch (type) {
      case packetTypes.open: {
        const path = wire.string();
        const flags = wire.uint32();
        return { kind: 'open', path, flags, attributes: readAttributes(wire) };
      }
      case packetTypes.close:
        return { kind: 'close', handle: wire.string() };
      case packetTypes.fstat:
        return { kind: 'fstat', handle: wire.string() };
      case packetTypes.readdir:
        return { kind: 'readdir', handle: wire.string() };
      case packetTypes.read: {
        const handle = wire.string();
        return { kind: 'read', handle, offset: wire.uint64(), length: wire.uint32() };
      }
      case packetTypes.write: {
        const handle = wire.string();
        return { kind: 'write', handle, offset: wire.uint64(), data: wire.bytes() };
      }
      case packetTypes.lstat:
        return pathOnly('lstat');
      case packetTypes.stat:
        return pathOnly('stat');
      case packetTypes.opendir:
        return pathOnly('opendir');
      case packetTypes.remove:
        return pathOnly('remove');
      case packetTypes.rmdir:
        return pathOnly('rmdir');
      case packetTypes.realpath:
        return pathOnly('realpath');
      case packetTypes.readlink:
        return pathOnly('readlink');
      case packetTypes.setstat: {
        const path = wire.string();
        return { kind: 'setstat', path, attributes: readAttributes(wire) };
      }
      case packetTypes.mkdir: {
        const path = wire.string();
        return { kind: 'mkdir', path, attributes: readAttributes(wire) };
      }
      case packetTypes.fsetstat: {
        const handle = wire.string();
        return { kind: 'fsetstat', handle, attributes: readAttributes(wire) };
      }
      case packetTypes.rename: {
        const from = wire.string();
        return { kind: 'rename', from, to: wire.string() };
      }
      case packetTypes.symlink: {
        // The draft has them the other way round; every client does as OpenSSH does.
        const target = wire.string();
        return { kind: 'symlink', target, path: wire.string() };
      }
      case packetTypes.extended: {
        const name = wire.string();
        switch (name) {
          case extensions.posixRename[0]: {
            const from = wire.string();
            return { kind: 'posixRename', from, to: wire.string() };
          }
          case extensions.hardlink[0]: {
            const from = wire.string();
            return { kind: 'hardlink', from, to: wire.string() };
          }
          case extensions.statvfs[0]:
            return pathOnly('statvfs');
          case extensions.fstatvfs[0]:
            return { kind: 'fstatvfs', handle: wire.string() };
          case extensions.fsync[0]:
            return { kind: 'fsync', handle: wire.string() };
          default:
            return { kind: 'unknown', what: name };
        }
      }
      default:
        return { kind: 'unknown', what: `packet type ${type}` };
    }
  };
  return { id, request: request() };
}

/** The first packet of a client. */
export function encodeInit(version: number): Buffer {
  return packet(packetTypes.init, uint32(version));
}

/** Writes a request. */
export function encodeRequest(
  id: number,
  request: Exclude<SftpRequest, { readonly kind: 'unknown' }>,
): Buffer {
  const { kind } = request;
  const extended = (name: string, ...parts: readonly Buffer[]): Buffer =>
    packet(packetTypes.extended, uint32(id), string(name), ...parts);
  switch (kind) {
    case 'open': {
      const { path, flags, attributes } = request;
      const parts = [string(path), uint32(flags), encodeAttributes(attributes)];
      return packet(packetTypes.open, uint32(id), ...parts);
    }
    case 'read': {
      const { handle, offset, length } = request;
      const parts = [string(handle), uint64(offset), uint32(length)];
      return packet(packetTypes.read, uint32(id), ...parts);
    }
    case 'write': {
      const { handle, offset, data } = request;
      const parts = [string(handle), uint64(offset), lengthAndBytes(data)];
      return packet(packetTypes.write, uint32(id), ...parts);
    }
    case 'close':
    case 'fstat':
    case 'readdir':
      return packet(packetTypes[kind], uint32(id), string(request.handle));
    case 'fsync':
    case 'fstatvfs':
      return extended(extensions[kind][0], string(request.handle));
    case 'statvfs':
      return extended(extensions.statvfs[0], string(request.path));
    case 'lstat':
    case 'stat':
    case 'opendir':
    case 'remove':
    case 'rmdir':
    case 'realpath':
    case 'readlink':
      return packet(packetTypes[kind], uint32(id), string(request.path));
    case 'setstat':
    case 'mkdir': {
      const parts = [string(request.path), encodeAttributes(request.attributes)];
      return packet(packetTypes[kind], uint32(id), ...parts);
    }
    case 'fsetstat': {
      const parts = [string(request.handle), encodeAttributes(request.attributes)];
      return packet(packetTypes.fsetstat, uint32(id), ...parts);
    }
    case 'rename':
      return packet(packetTypes.rename, uint32(id), string(request.from), string(request.to));
    case 'posixRename':
    case 'hardlink':
      return extended(extensions[kind][0], string(request.from), string(request.to));
    case 'symlink':
      return packet(packetTypes.symlink, uint32(id), string(request.target), string(request.path));
    default:
      return kind satisfies never;
  }
}
