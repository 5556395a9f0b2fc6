import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** One thing in a tar archive. Paths are relative, without a leading slash. */
export type TarEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly content: Content;
    };

/** A file's bytes: given, read from the machine when they are needed, or made then. */
export type Content =
  | { readonly bytes: Uint8Array }
  | { readonly from: string }
  | { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number };

const block = 512;

/** The archive's bytes. Owner is root and time is 0, so equal entries give equal bytes. */
export async function* tar(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const long = entry.path.length > 99 ? entry.path : undefined;
    if (long !== undefined) yield longName(long, 'L');
    const longTarget = entry.kind === 'symlink' && entry.target.length > 99;
    if (longTarget) yield longName(entry.target, 'K');
    switch (entry.kind) {
      case 'directory':
        yield header({ path: `${entry.path}/`, mode: entry.mode, size: 0, type: '5', target: '' });
        break;
      case 'symlink':
        yield header({ path: entry.path, mode: 0o777, size: 0, type: '2', target: entry.target });
        break;
      case 'file': {
        const size = await sizeOf(entry.content);
        yield header({ path: entry.path, mode: entry.mode, size, type: '0', target: '' });
        yield* read(entry.content);
        yield new Uint8Array(padding(size));
        break;
      }
    }
  }
  yield new Uint8Array(2 * block);
}

/** How many bytes a content has. */
export async function sizeOf(content: Content): Promise<number> {
  if ('bytes' in content) return content.bytes.byteLength;
  return 'open' in content ? content.size : (await stat(content.from)).size;
}

async function* read(content: Content): AsyncGenerator<Uint8Array> {
  if ('bytes' in content) {
    yield content.bytes;
    return;
  }
  if ('open' in content) {
    yield* content.open();
    return;
  }
  for await (const chunk of createReadStream(content.from, { highWaterMark: 1 << 20 })) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}

const padding = (size: number): number => (block - (size % block)) % block;

/** GNU's way to carry a name of 100 bytes or more: a file that holds the name of the next. */
function longName(name: string, type: 'L' | 'K'): Uint8Array {
  const bytes = Buffer.from(`${name}\0`);
  const head = header({ path: '././@LongLink', mode: 0, size: bytes.length, type, target: '' });
  return Buffer.concat([head, bytes, Buffer.alloc(padding(bytes.length))]);
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
  readonly target: string;
}

function header(fields: Header): Uint8Array {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number): void => {
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  };
  bytes.write(fields.path.slice(0, 100), 0);
  octal(fields.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(fields.size, 124, 12);
  octal(0, 136, 12);
  bytes.write('        ', 148);
  bytes.write(fields.type, 156);
  bytes.write(fields.target.slice(0, 100), 157);
  bytes.write('ustar  \0', 257);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}
