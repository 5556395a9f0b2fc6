import type { Duplex } from 'node:stream';
import { beatType } from './files-port.ts';
import { longestRead, openFlags, packetTypes, statusCodes } from './numbers.ts';
import { createPacketReader } from './packets.ts';
import { readReply, type NamedFile, type SftpReply } from './reply.ts';
import { encodeInit, encodeRequest, type SftpRequest } from './request.ts';
import type { FileAttributes } from './attributes.ts';

/** What a server said against a request. */
export class SftpRefusal extends Error {
  readonly code: number;

  constructor(what: string, code: number, message: string) {
    super(`${what}: ${message === '' ? `SFTP status ${code}` : message}`);
    this.code = code;
  }

  /** There is no such file. */
  get isMissing(): boolean {
    return this.code === statusCodes.noSuchFile;
  }
}

type Asked = Exclude<SftpRequest, { readonly kind: 'unknown' }>;

/** Reads files of an SFTP server. Paths and names are bytes, a character each. */
export interface SftpClient {
  /** Any request; what was answered, a refusal included. */
  ask(request: Asked): Promise<SftpReply>;
  /** Of the link itself where it is one. */
  lstat(path: string): Promise<FileAttributes>;
  readLink(path: string): Promise<string>;
  list(path: string): Promise<readonly NamedFile[]>;
  /** The whole of a file; throws a RangeError where it is longer than `most`. */
  readFile(path: string, most: number): Promise<Buffer>;
}

/** Greets the server on `stream`, which stays the caller's: when it ends, whoever waits is told. */
export function openSftpClient(stream: Duplex): SftpClient {
  const waiting = new Map<number, PromiseWithResolvers<SftpReply>>();
  const reader = createPacketReader();
  let next = 0;
  let over: Error | undefined;

  const end = (error: Error): void => {
    over ??= error;
    for (const one of waiting.values()) one.reject(over);
    waiting.clear();
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const packet of reader.push(chunk)) {
        if (packet.type === packetTypes.version || packet.type === beatType) continue;
        const { id, reply } = readReply(packet);
        waiting.get(id)?.resolve(reply);
        waiting.delete(id);
      }
    } catch (cause) {
      end(new Error('the server speaks no SFTP', { cause }));
      stream.destroy();
    }
  });
  stream.once('error', end);
  for (const event of ['end', 'close'] as const) {
    stream.once(event, () => end(new Error('the connection to the files has ended')));
  }
  // Whoever has dialled it may have paused it.
  stream.resume();
  stream.write(encodeInit(3));

  const ask: SftpClient['ask'] = async (request) => {
    if (over !== undefined) throw over;
    const id = next;
    next = (next + 1) % 0x1_0000_0000;
    const answer = Promise.withResolvers<SftpReply>();
    waiting.set(id, answer);
    stream.write(encodeRequest(id, request));
    return await answer.promise;
  };
  const got = async <K extends SftpReply['kind']>(
    request: Asked,
    kind: K,
  ): Promise<Extract<SftpReply, { readonly kind: K }> | undefined> => {
    const reply = await ask(request);
    if (isKind(reply, kind)) return reply;
    if (reply.kind !== 'status') throw new SftpRefusal(request.kind, 0, `a reply ${reply.kind}`);
    if (reply.code === statusCodes.endOfFile) return undefined;
    throw new SftpRefusal(request.kind, reply.code, reply.message);
  };
  const withHandle = async <T>(asked: Asked, use: (handle: string) => Promise<T>): Promise<T> => {
    const { handle = '' } = (await got(asked, 'handle')) ?? {};
    try {
      return await use(handle);
    } finally {
      await ask({ kind: 'close', handle }).catch(() => {});
    }
  };

  return {
    ask,
    lstat: async (path) => (await got({ kind: 'lstat', path }, 'attributes'))?.attributes ?? {},
    readLink: async (path) =>
      (await got({ kind: 'readlink', path }, 'names'))?.names[0]?.name ?? '',
    list: async (path) =>
      await withHandle({ kind: 'opendir', path }, async (handle) => {
        const all: NamedFile[] = [];
        for (;;) {
          const some = await got({ kind: 'readdir', handle }, 'names');
          if (some === undefined) return all;
          all.push(...some.names);
        }
      }),
    readFile: async (path, most) =>
      await withHandle(
        { kind: 'open', path, flags: openFlags.read, attributes: {} },
        async (handle) => {
          const parts: Buffer[] = [];
          let offset = 0;
          for (;;) {
            const asked = { kind: 'read', handle, offset, length: longestRead } as const;
            const some = await got(asked, 'data');
            if (some === undefined || some.data.length === 0) return Buffer.concat(parts);
            parts.push(some.data);
            offset += some.data.length;
            if (offset > most) throw new RangeError(`longer than ${most} bytes`);
          }
        },
      ),
  };
}

function isKind<K extends SftpReply['kind']>(
  reply: SftpReply,
  kind: K,
): reply is Extract<SftpReply, { readonly kind: K }> {
  return reply.kind === kind;
}
