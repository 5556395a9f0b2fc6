import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DockerError } from '../errors.ts';

/** A regular file of an archive. */
export interface ArchivedFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

const block = 512;
/** Nothing of ours is nearly as large. */
const mostBytes = 64 * 1024 * 1024;

/** The regular files of a gzipped tar as `tar.ts` writes it, one after the other. */
export async function* filesIn(path: string): AsyncGenerator<ArchivedFile> {
  const unpacked = createReadStream(path).pipe(createGunzip());
  let held: Buffer[] = [];
  let size = 0;
  const chunks = unpacked[Symbol.asyncIterator]();
  const take = async (wanted: number): Promise<Buffer | undefined> => {
    while (size < wanted) {
      const next: IteratorResult<unknown> = await chunks.next();
      if (next.done === true) return undefined;
      if (!Buffer.isBuffer(next.value)) continue;
      held.push(next.value);
      size += next.value.length;
    }
    const all = Buffer.concat(held);
    held = [all.subarray(wanted)];
    size -= wanted;
    return all.subarray(0, wanted);
  };
  let longName: string | undefined;
  for (;;) {
    const header = await take(block);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const length = octal(header.subarray(124, 136));
    const data = await take(Math.ceil(length / block) * block);
    if (data === undefined) throw damaged(path);
    const bytes = Buffer.from(data.subarray(0, length));
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = text(bytes);
    else if (type !== 'K') {
      const name = longName ?? text(header.subarray(0, 100));
      longName = undefined;
      if (type !== '0') continue;
      const names = name.split('/');
      if (names.some((one) => one === '' || one === '.' || one === '..')) throw damaged(path);
      yield { path: name, mode: octal(header.subarray(100, 108)) & 0o777, bytes };
    }
  }

  function octal(field: Buffer): number {
    const value = Number.parseInt(text(field).trim() || '0', 8);
    if (Number.isInteger(value) && value >= 0 && value <= mostBytes) return value;
    throw damaged(path);
  }
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? field.length : end).toString();
}

function damaged(path: string): DockerError {
  return new DockerError('ImagePartMissing', `${path} is damaged`, {
    hint: 'install telepresence anew',
  });
}
