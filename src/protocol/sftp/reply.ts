import { encodeAttributes, readAttributes, type FileAttributes } from './attributes.ts';
import { extensions, packetTypes } from './numbers.ts';
import type { SftpPacket } from './packets.ts';
import { lengthAndBytes, packet, readWire, string, uint32, uint64 } from './wire.ts';

/** One entry of a directory, or the one name that was asked for. */
export interface NamedFile {
  readonly name: string;
  readonly attributes: FileAttributes;
}

/** How full a file system is, as `statvfs` counts. */
export interface FileSystemUse {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly available: number;
  readonly files: number;
  readonly freeFiles: number;
}

/** What a server answers. */
export type SftpReply =
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  | { readonly kind: 'handle'; readonly handle: string }
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'names'; readonly names: readonly NamedFile[] }
  | { readonly kind: 'attributes'; readonly attributes: FileAttributes }
  | { readonly kind: 'use'; readonly use: FileSystemUse };

/** The answer to INIT: version 3, and OpenSSH's extensions. */
export function encodeVersion(): Buffer {
  const pairs = Object.values(extensions).flatMap(([name, version]) => [
    string(name),
    string(version),
  ]);
  return packet(packetTypes.version, uint32(3), ...pairs);
}

export function encodeReply(id: number, reply: SftpReply): Buffer {
  const { kind } = reply;
  switch (kind) {
    case 'status': {
      const parts = [uint32(reply.code), lengthAndBytes(Buffer.from(reply.message)), string('')];
      return packet(packetTypes.status, uint32(id), ...parts);
    }
    case 'handle':
      return packet(packetTypes.handle, uint32(id), string(reply.handle));
    case 'data':
      return packet(packetTypes.data, uint32(id), uint32(reply.data.length), reply.data);
    case 'names': {
      const entries = reply.names.flatMap(({ name, attributes }) => [
        string(name),
        // What `ls -l` would print; nobody reads it.
        string(name),
        encodeAttributes(attributes),
      ]);
      return packet(packetTypes.name, uint32(id), uint32(reply.names.length), ...entries);
    }
    case 'attributes':
      return packet(packetTypes.attributes, uint32(id), encodeAttributes(reply.attributes));
    case 'use': {
      const { blockSize, blocks, free, available, files, freeFiles } = reply.use;
      const longestName = 255;
      const numbers = [blockSize, blockSize, blocks, free, available, files, freeFiles, freeFiles];
      const parts = [...numbers, 0, 0, longestName].map(uint64);
      return packet(packetTypes.extendedReply, uint32(id), ...parts);
    }
    default:
      return kind satisfies never;
  }
}

/** Reads any packet of a server but VERSION; throws a RangeError for one that is cut or unknown. */
export function readReply({ type, body }: SftpPacket): {
  readonly id: number;
  readonly reply: SftpReply;
} {
  const wire = readWire(body);
  const id = wire.uint32();
  const reply = (): SftpReply => {
    switch (type) {
      case packetTypes.status: {
        const code = wire.uint32();
        return { kind: 'status', code, message: wire.rest > 0 ? wire.bytes().toString() : '' };
      }
      case packetTypes.handle:
        return { kind: 'handle', handle: wire.string() };
      case packetTypes.data:
        return { kind: 'data', data: wire.bytes() };
      case packetTypes.name: {
        const names: NamedFile[] = [];
        const count = wire.uint32();
        for (let index = 0; index < count; index += 1) {
          const name = wire.string();
          wire.bytes();
          names.push({ name, attributes: readAttributes(wire) });
        }
        return { kind: 'names', names };
      }
      case packetTypes.attributes:
        return { kind: 'attributes', attributes: readAttributes(wire) };
      case packetTypes.extendedReply: {
        const [blockSize = 0, , blocks = 0, free = 0, available = 0, files = 0, freeFiles = 0] =
          Array.from({ length: 11 }, () => wire.uint64());
        return { kind: 'use', use: { blockSize, blocks, free, available, files, freeFiles } };
      }
      default:
        throw new RangeError(`a reply of type ${type}`);
    }
  };
  return { id, reply: reply() };
}
